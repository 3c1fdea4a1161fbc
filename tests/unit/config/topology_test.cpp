// SPDX-License-Identifier: Apache-2.0
#include "config/topology.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "kit.h"
#include "temporary_folder.h"

using namespace standpipe;
using Catch::Matchers::Contains;

namespace {

// A FIFO `in` with other names, and what is said of a configuration beside it.
struct World {
  World() {
    ::mkfifo((folder / "in").c_str(), 0600);
    std::filesystem::create_symlink("in", folder / "link");
    std::filesystem::create_hard_link(folder / "in", folder / "second");
    std::filesystem::create_directory(folder / "sub");
    std::filesystem::create_symlink(folder, folder / "sub" / "up");
  }
  std::string said(const std::string& yaml, config::Reading how = config::Reading::anew) {
    plugin::Registry registry({plugins.folder().string()});
    return rendered(config::load_text(yaml, (folder / "t.yaml").string(), registry, how));
  }
  std::string two_sources(const std::string& path) {
    return said("sources: { a: { fifo: in }, b: { fifo: " + path +
                " } }\n"
                "handlers: { out: { plugin: print } }\n"
                "routes: [{ from: [a, b], to: out }]\n");
  }
  std::string loop(const std::string& path, const std::string& more = "",
                   config::Reading how = config::Reading::anew) {
    return said(
        "sources: { a: { fifo: in } }\n"
        "handlers: { out: { plugin: forward, options: { fifo: " +
            path + " }" + more +
            " } }\n"
            "routes: [{ from: a, to: out }]\n",
        how);
  }
  test::TemporaryFolder temporary;
  std::filesystem::path folder = temporary.path();
  ConfigPlugins plugins;
};

}  // namespace

TEST_CASE("two sources on one FIFO are refused, by whatever path") {
  World world;
  for (const auto* path : {"link", "second", "sub/../in", "sub/up/in", "./in"}) {
    INFO(path);
    CHECK_THAT(world.two_sources(path), Contains("error: two sources read"));
  }
  CHECK(world.two_sources("other").empty());
  CHECK_THAT(world.two_sources("second"), Contains("is the same FIFO as"));
}

TEST_CASE("a FIFO that is not there yet is known by its folder and its name") {
  World world;
  std::filesystem::remove(world.folder / "in");
  CHECK_THAT(world.two_sources("sub/up/in"), Contains("error: two sources read"));
  CHECK(world.two_sources("sub/in").empty());
}

TEST_CASE("a handler that writes into a source's FIFO is refused, unless it is meant") {
  World world;
  for (const auto* path : {"in", "link", "second", "sub/up/in"}) {
    INFO(path);
    CHECK_THAT(world.loop(path), Contains("writes into the FIFO that source 'a' reads") &&
                                     Contains("allow_loop: true"));
    CHECK(world.loop(path, ", allow_loop: true").empty());
  }
  CHECK(world.loop("elsewhere").empty());
}

TEST_CASE("a worker that continues does not look at the disk again") {
  World world;
  CHECK(world.loop("link", "", config::Reading::again).empty());
}

TEST_CASE("a source whose payloads may be too long for its patterns is warned of, with a remedy") {
  World world;
  const auto said = [&](const std::string& more, const std::string& pattern) {
    return world.said("sources: { a: { fifo: in" + more +
                      " } }\n"
                      "handlers: { out: { plugin: print } }\n"
                      "routes:\n"
                      "  - { from: a, to: out, match: { text: { regex: 'b[ab]{20}c' } } }\n"
                      "  - { from: a, to: out, match: { not: { text: { regex: '" +
                      pattern + "' } } } }\n");
  };
  const auto warning = said("", "a[ab]{200}c");
  CHECK_THAT(warning,
             Contains("warning: patterns that may be slow are not tried on payloads of 'a' "
                      "above 144,631 bytes"));
  CHECK_THAT(warning, Contains("match_max: 141KiB  here"));
  CHECK_THAT(warning, Contains(":5:49 may take 206 steps for a byte: text regex \"a[ab]{200}c\""));
  CHECK(said(", match_max: 141KiB", "a[ab]{200}c").empty());
  CHECK(said(", framing: { max_message_size: 100KiB }", "a[ab]{200}c").empty());
  CHECK(said("", "foo.*bar").empty());
}
