// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch.h"

#include <catch2/catch.hpp>
#include <string>

#include "deliver/batch_view.h"
#include "one_delivery.h"

using namespace standpipe;
using deliver::Batch;

namespace {

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string payloads(const Batch& batch) {
  std::string all;
  for (std::uint32_t i = 0; i < batch.count(); ++i) all += (i ? "," : "") + text(batch.payload(i));
  return all;
}

}  // namespace

TEST_CASE("a batch has what comes next, up to its limit, and gives it out") {
  test::OneDelivery one;
  for (const auto* p : {"a", "bb", "ccc"}) one.append(p);
  Batch batch(2, 1000);
  REQUIRE(batch.fill_next(one.delivery));
  CHECK(payloads(batch) == "a,bb");
  CHECK(batch.attempt() == 1);
  CHECK(one.delivery.next() == batch.range(0, 2).end);
  REQUIRE(batch.fill_next(one.delivery));
  CHECK(payloads(batch) == "ccc");
  CHECK_FALSE(batch.fill_next(one.delivery));
}

TEST_CASE("a batch ends before its bytes would be too many, but has one message at least") {
  test::OneDelivery one;
  one.append(std::string(200, 'x'));
  one.append("a");
  one.append(std::string(90, 'y'));
  Batch batch(10, 100);
  batch.fill_next(one.delivery);
  CHECK(batch.count() == 1);
  batch.fill_next(one.delivery);
  CHECK(payloads(batch) == "a," + std::string(90, 'y'));
}

TEST_CASE(
    "ranges of a batch are where its messages lie in the log, over messages for others and over "
    "segments") {
  test::OneDelivery one;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 40; ++i) {
    one.append(std::string(10'000, static_cast<char>('a' + i % 26)), i % 3 == 1 ? 2 : 1);
    bytes += 10'004;
  }
  Batch batch(40, 1 * MiB);
  REQUIRE(batch.fill_next(one.delivery));
  CHECK(batch.count() == 27);
  CHECK(batch.range(0, 27).begin.position.bytes == 0);
  CHECK(batch.range(0, 27).end.position.bytes == bytes);
  const auto second = batch.range(1, 2);  // the third of the log
  CHECK(second.begin.position.bytes == 2 * 10'004);
  CHECK(second.end.position.bytes == 3 * 10'004);
  CHECK(second.begin.sequence.number == 3);
  CHECK(batch.wire_bytes(1, 3) == 2 * 10'004);
  for (std::uint32_t i = 0; i < 27; ++i)
    CHECK(one.log.count_between(batch.range(0, 27).begin, batch.range(i, i + 1).end, 0) == i + 1);
}

TEST_CASE("each message has its sequence and time, between messages for others and over segments") {
  test::OneDelivery one;
  for (int i = 0; i < 40; ++i) one.append(std::string(10'000, 'x'), i % 3 == 1 ? 2 : 1);
  Batch batch(40, 1 * MiB);
  REQUIRE(batch.fill_next(one.delivery));
  std::uint32_t found = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (i % 3 == 1) continue;
    CHECK(batch.sequence(found) == i + 1);
    CHECK(batch.time_ns(found) == i + 1);  // as it was appended
    ++found;
  }
  CHECK(found == batch.count());
}

TEST_CASE("what is redelivered is one range, and what of it has no room stays") {
  test::OneDelivery one;
  for (const auto* p : {"a", "b", "c", "d"}) one.append(p);
  Batch batch(4, 1000);
  batch.fill_next(one.delivery);
  one.delivery.redeliver({batch.range(0, 3), 2}, {});
  one.delivery.redeliver({batch.range(3, 4), 5}, {});
  Batch small(2, 1000);
  small.fill_redelivery(one.delivery);
  CHECK(payloads(small) == "a,b");
  CHECK(small.attempt() == 2);
  small.fill_redelivery(one.delivery);
  CHECK(payloads(small) == "c");
  small.fill_redelivery(one.delivery);
  CHECK(payloads(small) == "d");
  CHECK(small.attempt() == 5);
  CHECK(one.delivery.redeliveries().empty());
}

TEST_CASE("the offsets of a batch mean the same where the memory is mapped elsewhere") {
  test::OneDelivery one;
  one.append("first");
  one.append("second");
  Batch batch(2, 1000);
  batch.fill_next(one.delivery);
  const state::Memory elsewhere(Fd(::dup(one.memory.fd())));
  REQUIRE(elsewhere.arena().data() != batch.memory());
  deliver::BatchView view;
  const auto seen = view.make(batch.frames(), batch.stretches(), elsewhere.arena().data(), 1, "in");
  const auto* row = reinterpret_cast<const char*>(seen.messages) + seen.stride;
  const auto& message = *reinterpret_cast<const standpipe_message*>(row);
  CHECK(text({reinterpret_cast<const std::byte*>(message.data), message.size}) == "second");
  CHECK(reinterpret_cast<const std::byte*>(message.data) >= elsewhere.arena().data());
}
