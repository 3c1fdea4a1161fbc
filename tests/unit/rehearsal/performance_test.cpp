// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/performance.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "kit.h"
#include "temporary_folder.h"

using namespace standpipe;
using config::Fate;
using With = config::FailOptions::With;
using Indexes = rehearsal::Performance::Indexes;

namespace {

std::size_t count(const rehearsal::Performance& performance, Fate fate) {
  return performance.by_fate[static_cast<std::size_t>(fate)].size();
}

struct Stage {
  Configuration configuration{kHub};
  rehearsal::Rehearsal rehearsal{configuration.hub()};
  config::TestOptions test{.name = "t", .place = {}};

  void send(std::size_t source, const std::string& bytes, bool raw = false) {
    test.sends.push_back({.source = source, .raw = raw, .bytes = bytes, .file = {}});
  }
  void fail(std::size_t handler, With with) { test.fails.push_back({handler, with}); }
  rehearsal::Performance perform() { return rehearsal::perform(rehearsal, test); }
};

}  // namespace

TEST_CASE("messages are delivered in the order in which they were sent") {
  Stage stage;
  stage.send(0, "abc");
  stage.send(1, "nobody");
  stage.send(0, "ab!");
  const auto performance = stage.perform();
  REQUIRE(performance.messages.size() == 3);
  CHECK(performance.messages[2].payload == "ab!");
  CHECK(performance.delivered.at(0) == Indexes{0, 2});
  CHECK(performance.delivered.at(2) == Indexes{2});
  CHECK(count(performance, Fate::unmatched) == 1);
}

TEST_CASE("what is rejected is dead-lettered, or dropped where there are no dead letters") {
  Stage stage;
  stage.send(0, "abc");
  stage.fail(0, With::reject);
  stage.fail(1, With::reject);
  const auto performance = stage.perform();
  CHECK(performance.delivered.empty());
  CHECK(count(performance, Fate::dead_letter) == 1);
  CHECK(count(performance, Fate::dropped) == 1);
}

TEST_CASE("what is tried again ends when its handler's attempts do, or waits for ever") {
  Stage stage;
  stage.send(1, "abc!");
  stage.fail(1, With::retry);
  stage.fail(2, With::retry);
  const auto performance = stage.perform();
  CHECK(count(performance, Fate::dropped) == 1);
  CHECK(count(performance, Fate::waiting) == 1);
}

TEST_CASE(
    "a source's own limit makes a bad frame of a large message, and the next writer is well") {
  Stage stage;
  stage.send(0, std::string(101, 'x'));
  stage.send(0, std::string(100, 'x') + "");
  stage.send(0, "abc");
  const auto performance = stage.perform();
  CHECK(performance.faults_of(Fate::bad_frame) == 1);
  CHECK(performance.messages.size() == 2);
}

TEST_CASE("raw bytes are as many messages as frames are in them") {
  Stage stage;
  stage.send(0, std::string("\1\0\0\0a\1\0\0\0b\1\0", 12), true);
  const auto performance = stage.perform();
  CHECK(performance.messages.size() == 2);
  CHECK(performance.faults_of(Fate::truncated) == 1);
}

TEST_CASE("a file is a message, and one that cannot be read ends the test") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "content") << "abc";
  Stage stage;
  stage.test.sends.push_back({.bytes = {}, .file = folder / "content"});
  CHECK(stage.perform().messages.at(0).payload == "abc");
  stage.test.sends.push_back({.bytes = {}, .file = folder / "missing"});
  CHECK_THAT(stage.perform().problem,
             Catch::Contains("missing") && Catch::Contains("No such file"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  stage.test.sends.back().file = folder / "fifo";  // is not waited for
  CHECK_THAT(stage.perform().problem, Catch::Contains("it is no regular file"));
}
