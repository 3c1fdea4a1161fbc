// SPDX-License-Identifier: Apache-2.0
#include "worker/feed_sequence.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

// Answers what it is told to, and remembers what it was told.
class ScriptedFeed final : public worker::Feed {
 public:
  explicit ScriptedFeed(std::vector<worker::Turn> turns) : turns_(std::move(turns)) {}
  void recover(worker::Intake&) override { ++recovered; }
  worker::Turn feed(worker::Intake&) override { return turns_.at(asked++); }
  void passed(log::Position trimmed) override { positions.push_back(trimmed.bytes); }

  int recovered = 0;
  std::size_t asked = 0;
  std::vector<std::uint64_t> positions;

 private:
  std::vector<worker::Turn> turns_;
};

}  // namespace

TEST_CASE("a feed has its turns until it has ended, and then the next one has") {
  using worker::Turn;
  FifoSources f;
  ScriptedFeed first({Turn::more, Turn::full, Turn::ended}), second({Turn::idle, Turn::more});
  worker::FeedSequence feeds({&first, &second});
  auto& intake = f.sources[0]->intake;
  CHECK(feeds.feed(intake) == Turn::more);
  CHECK(feeds.feed(intake) == Turn::full);
  CHECK(second.asked == 0);
  CHECK(feeds.feed(intake) == Turn::idle);
  CHECK(feeds.feed(intake) == Turn::more);
  CHECK(first.asked == 3);
}

TEST_CASE("when all have ended nothing is asked any more") {
  FifoSources f;
  ScriptedFeed only({worker::Turn::ended});
  worker::FeedSequence feeds({&only});
  CHECK(feeds.feed(f.sources[0]->intake) == worker::Turn::ended);
  CHECK(feeds.feed(f.sources[0]->intake) == worker::Turn::ended);
  CHECK(only.asked == 1);
}

TEST_CASE("all are told what was passed, those that have ended, too, and all recover") {
  FifoSources f;
  ScriptedFeed first({worker::Turn::ended}), second({worker::Turn::idle});
  worker::FeedSequence feeds({&first, &second});
  feeds.recover(f.sources[0]->intake);
  feeds.feed(f.sources[0]->intake);
  feeds.passed({7});
  CHECK(first.recovered == 1);
  CHECK(second.recovered == 1);
  CHECK(first.positions == std::vector<std::uint64_t>{7});
  CHECK(second.positions == std::vector<std::uint64_t>{7});
}
