// SPDX-License-Identifier: Apache-2.0
#include "worker/own_places.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "worker/spill_kit.h"

using namespace standpipe;

namespace {

// A data folder, as somebody left it, of a hub with source `a/b` and handler `it`.
class Fixture {
 public:
  Fixture() {
    std::filesystem::create_directories(path + "/queue/a%2Fb");
    options.sources.emplace_back().name = "a/b";
    options.handlers.emplace_back().name = "it";
  }
  void put_fifo(const std::string& name) { ::mkfifo((path + '/' + name).c_str(), 0600); }
  bool is_at(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path + '/' + name));
  }
  void clear() { worker::clear_own_places(path, options, reporter); }

  test::TemporaryFolder folder;
  std::string path = folder / "data";
  config::HubOptions options;
  test::SpillReporter reporter;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "whatever stands at a name of the hub's is moved aside, with a warning") {
  const auto* name = GENERATE("lock", "running", "running.tmp", "stopped", "resume", "resume.tmp",
                              "dead-letters.log", "dead-letters-7.log", "dead-letters-replayed.log",
                              "spill", "queue/a%2Fb/it");
  CAPTURE(name);
  put_fifo(name);
  clear();
  CHECK_FALSE(is_at(name));
  CHECK(is_at(std::string(name) + ".foreign"));
  CHECK(reporter.has_reported(path + '/' + name + " is a FIFO, and no "));
  reporter.reported.clear();
  clear();
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(Fixture, "queues, of all and of a source, are folders, too") {
  std::filesystem::remove(path + "/queue/a%2Fb");
  put_fifo("queue/a%2Fb");
  clear();
  CHECK(is_at("queue/a%2Fb.foreign"));
  std::filesystem::remove_all(path + "/queue");
  put_fifo("queue");
  clear();
  CHECK(is_at("queue.foreign"));
}

TEST_CASE_METHOD(Fixture, "what bears no name of the hub's stays") {
  for (const auto* name : {"notes", "memory-1", "lock.foreign", "queue/other", "queue/a%2Fb/other",
                           "dead-letters.log.foreign"})
    put_fifo(name);
  clear();
  CHECK(reporter.reported.empty());
  CHECK(is_at("queue/a%2Fb/other"));
}

TEST_CASE_METHOD(Fixture, "what the hub itself left there stays") {
  std::filesystem::create_directories(path + "/spill");
  std::filesystem::create_directories(path + "/queue/a%2Fb/it");
  for (const auto* name : {"lock", "running", "stopped", "resume", "dead-letters.log"})
    std::ofstream(path + '/' + name) << "something";
  clear();
  CHECK(reporter.reported.empty());
  CHECK(is_at("dead-letters.log"));
}

TEST_CASE_METHOD(Fixture, "a folder that may have messages and leads nowhere is refused") {
  const auto* name = GENERATE("spill", "queue/a%2Fb/it");
  std::filesystem::create_symlink("not-mounted", path + '/' + name);
  CHECK_THROWS_WITH(clear(), Catch::Contains("leads nowhere now") &&
                                 Catch::Contains("what earlier runs saved may be in it"));
  CHECK(is_at(name));
}
