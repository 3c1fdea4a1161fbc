// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_gather.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/limits.h"
#include "deliver/fifo_kit.h"
#include "log/meta_block.h"

using namespace standpipe;
using worker::QueueGather;

namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0} / 2;

struct GatherFixture {
  // Frames in a row, accepted together, for the delivery or for another.
  void append(std::size_t count, const std::string& payload, std::uint64_t time = 1,
              std::uint64_t set = 1) {
    std::string frames;
    for (std::size_t i = 0; i < count; ++i) frames += test::framed(payload);
    const auto room = log.room(frames.size());
    REQUIRE(room.size() >= frames.size());
    std::memcpy(room.data(), frames.data(), frames.size());
    log.filled(frames.size());
    REQUIRE(log.add_run(frames.size(), static_cast<std::uint32_t>(count), time, 1, {&set, 1}));
    memory.commit();
  }
  void append_described(const std::string& payload, const std::string& value) {
    const auto frame = test::framed(payload);
    log::MetaBlockWriter block;
    REQUIRE(block.add("key", std::as_bytes(std::span(value))));
    block.end_message();
    const auto room = log.add_block(block.finish(), frame.size(), 1);
    std::memcpy(room.data(), frame.data(), frame.size());
    log.filled(frame.size());
    const std::uint64_t set = 1;
    REQUIRE(log.add_run(frame.size(), 1, 1, 1, {&set, 1}));
    memory.commit();
  }
  QueueGather gather(QueueGather::Limits limits = {kMost, kMost, kMost}) {
    return {from, 7, limits};
  }

  state::Memory memory{state::MemoryPlan{
      .memory_max = 16 * MiB, .logs = 1, .deliveries = 1, .handlers = 1, .queues = 0}};
  log::Arena arena{memory, log::ArenaBudget{16 * MiB, 1}};
  log::Log log{arena, log::LogOptions{.id = 0, .size_max = 4 * MiB, .readers = 2}};
  deliver::Delivery from{"in", "it", 0, log, 0};
};

}  // namespace

TEST_CASE_METHOD(GatherFixture, "messages that were accepted together are one run") {
  append(100, "a message");
  append(50, "another", 2);
  auto gathered = gather();
  CHECK(gathered.messages() == 150);
  CHECK(gathered.end() == log.end());
  const auto runs = gathered.take_runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].count == 100);
  CHECK(runs[0].first.number == 7);
  CHECK(runs[1].count == 50);
  CHECK(runs[1].first.number == 107);
  CHECK(runs[1].first.sequence == runs[0].first.sequence + 100);
  CHECK(runs[1].first.accepted_ns == 2);
}

TEST_CASE_METHOD(GatherFixture, "what others want is not among them") {
  append(10, "mine");
  append(10, "another's", 1, 2);
  append(10, "mine again");
  auto gathered = gather();
  CHECK(gathered.messages() == 20);
  const auto runs = gathered.take_runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[1].first.sequence == runs[0].first.sequence + 20);
}

TEST_CASE_METHOD(GatherFixture, "a limit ends between two messages of a run") {
  append(100, "12345678");
  const auto each = test::framed("12345678").size() + QueueGather::kRecordBytes;
  CHECK(gather({.messages = 30, .bytes = kMost, .batch_bytes = kMost}).messages() == 30);
  CHECK(gather({.messages = kMost, .bytes = 20 * each + 1, .batch_bytes = kMost}).messages() == 20);
  auto gathered = gather({.messages = kMost, .bytes = kMost, .batch_bytes = 10 * each});
  CHECK(gathered.messages() == 10);
  CHECK(gathered.bytes() == 10 * each);
  const auto runs = gathered.take_runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].frames.size() == 10 * test::framed("12345678").size());
}

TEST_CASE_METHOD(GatherFixture, "a message is let in alone where it is larger than a batch") {
  append(2, std::string(1000, '.'));
  CHECK(gather({.messages = kMost, .bytes = kMost, .batch_bytes = 100}).messages() == 1);
  CHECK(gather({.messages = kMost, .bytes = 100, .batch_bytes = kMost}).messages() == 0);
  CHECK(gather({.messages = 0, .bytes = 100, .batch_bytes = 100, .lets_one_in = true}).messages() ==
        1);
}

TEST_CASE_METHOD(GatherFixture, "a message with metadata is a run of its own") {
  append(2, "plain");
  append_described("described", "value");
  append(2, "plain");
  auto gathered = gather();
  CHECK(gathered.messages() == 5);
  const auto runs = gathered.take_runs();
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].fields.empty());
  CHECK(runs[1].count == 1);
  CHECK_FALSE(runs[1].fields.empty());
  CHECK(runs[2].count == 2);
  CHECK(runs[2].fields.empty());
  CHECK(runs[2].first.number == 10);
}

TEST_CASE_METHOD(GatherFixture,
                 "what is to be redelivered comes first, as far as it was given out") {
  append(10, "again");
  const auto at = log.trimmed();
  const auto size = test::framed("again").size();
  const deliver::Range part{
      {at.position + 2 * size, at.sequence + 2}, {at.position + 5 * size, at.sequence + 5}, 3};
  from.give_out({at, part.end, 5});
  from.finish({at, part.begin, 2});
  from.redeliver({part, 1}, Nanoseconds(0));
  auto gathered = gather();
  CHECK(gathered.messages() == 8);
  const auto runs = gathered.take_runs();
  REQUIRE(!runs.empty());
  CHECK(runs[0].first.sequence == at.sequence.number + 2);
  CHECK(gathered.end() == log.end());
}
