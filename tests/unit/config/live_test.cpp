// SPDX-License-Identifier: Apache-2.0
#include "config/live.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "config/loader.h"
#include "kit.h"
#include "temporary_folder.h"

using namespace standpipe;

// What it says of running hubs, of users and of plugins that misbehave is in
// tests/e2e/live_test.py.

namespace {

class Fixture {
 public:
  std::string codes(const std::string& options) {
    std::ofstream(folder / "hub.yaml")
        << "data_dir: data\nsources: { a: { fifo: a }, b: { fifo: b } }\nhandlers: { out: " +
               options + " }\nroutes: [{ from: [a, b], to: out }]\n";
    std::string out;
    const auto loaded = config::load_paths({folder / "hub.yaml"}, registry, config::Reading::live);
    for (const auto& d : loaded.diagnostics)
      out +=
          (out.empty() ? "" : " ") + d.code + (d.place ? ":" + std::to_string(d.place->line) : "");
    return out;
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator entries(folder.path());
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }

  test::TemporaryFolder folder;
  ConfigPlugins plugins;
  plugin::Registry registry{{plugins.folder().string()}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a machine without obstacles is found to be ready, and left as it was") {
  CHECK(codes("{ plugin: log, options: { path: new.log } }").empty());
  CHECK(codes("{ plugin: forward, options: { fifo: out } }").empty());
  CHECK(files() == 1);
}

TEST_CASE_METHOD(Fixture, "every obstacle is told at its place, and all at once") {
  std::ofstream(folder / "a") << "";
  ::mkdir((folder / "b").c_str(), 0700);
  std::ofstream(folder / "data") << "";
  CHECK(codes("{ plugin: log, options: { path: no/new.log } }") ==
        "live-data-dir:1 live-fifo:2 live-fifo:2 live-file:3");
}

TEST_CASE_METHOD(Fixture, "a user that a handler cannot run as is told") {
  const std::string begin = "{ plugin: log, isolation: process, options: { path: new.log }, user: ";
  CHECK(codes(begin + "nobody-has-this-name }") == "live-user:3");
  CHECK(codes(begin + "nobody }") == (::geteuid() == 0 ? "" : "live-user:3"));
}

TEST_CASE_METHOD(Fixture, "a handler's own file is looked at, and never opened or mended") {
  std::ofstream(folder / "old.log") << "no frames";
  CHECK(codes("{ plugin: log, options: { path: old.log, format: frames } }").empty());
  CHECK(std::filesystem::file_size(folder / "old.log") == 9);
  CHECK(codes("{ plugin: log, options: { path: new.log, format: frames } }").empty());
  CHECK(codes("{ plugin: log, options: { path: new/new.log, create_folders: true } }").empty());
  CHECK(codes("{ plugin: log, options: { path: 'new/{source}.log' } }") == "live-file:3");
  CHECK(codes("{ plugin: log, options: { path: 'new/{json:/device|x}.log' } }") == "live-file:3");
  ::mkdir((folder / "a-folder").c_str(), 0700);
  CHECK(codes("{ plugin: log, options: { path: a-folder } }") == "live-file:3");
}
