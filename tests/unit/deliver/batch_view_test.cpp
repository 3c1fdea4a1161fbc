// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch_view.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/batch.h"
#include "deliver/one_delivery.h"
#include "metadata.h"

using namespace standpipe;

TEST_CASE("a view says of each message where it lies in this process, and what the batch is") {
  const std::string memory = "..abc.de.....f";
  const std::vector<deliver::BatchFrame> frames{{0, 3}, {4, 2}, {1, 1}};
  const std::vector<deliver::BatchStretch> stretches{
      {.first = 0, .memory = 2, .position = {}, .sequence = 7, .time_ns = 70},
      {.first = 2, .memory = 12, .position = {}, .sequence = 10, .time_ns = 90}};
  const std::string source = "in";
  deliver::BatchView view;
  const auto batch =
      view.make(frames, stretches, reinterpret_cast<const std::byte*>(memory.data()), 3, source);
  REQUIRE(batch.count == 3);
  CHECK(batch.attempt == 3);
  CHECK(std::string(batch.source.data, batch.source.size) == "in");
  const auto row = [&](std::uint32_t i) {
    return reinterpret_cast<const standpipe_message*>(
        reinterpret_cast<const char*>(batch.messages) + std::size_t{i} * batch.stride);
  };
  const std::vector<std::string> payloads{"abc", "de", "f"};
  const std::vector<std::uint64_t> sequences{7, 8, 10}, times{70, 70, 90};
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(std::string(reinterpret_cast<const char*>(row(i)->data), row(i)->size) == payloads[i]);
    CHECK(row(i)->sequence == sequences[i]);
    CHECK(row(i)->time == times[i]);
  }
  // No message has metadata, so the rows end before it.
  CHECK_FALSE(STANDPIPE_STRIDE_HAS(batch.stride, standpipe_message, meta));
}

TEST_CASE("a view says of all its messages which FIFO their source reads, where it reads one") {
  const std::vector<deliver::BatchFrame> one(1);
  const std::vector<deliver::BatchStretch> stretch(1);
  const std::string fifo = "/run/in";
  deliver::BatchView view;
  const auto batch = view.make(one, stretch, nullptr, 1, "in", fifo);
  REQUIRE(batch.source_meta_count == 1);
  CHECK(std::string(batch.source_meta->name.data, batch.source_meta->name.size) == "fifo");
  CHECK(std::string(batch.source_meta->value.data, batch.source_meta->value.size) == fifo);
  CHECK(view.make(one, stretch, nullptr, 1, "in").source_meta_count == 0);
}

TEST_CASE("a view is made anew for each batch") {
  const std::vector<deliver::BatchFrame> many(5), one(1);
  const std::vector<deliver::BatchStretch> stretch(1);
  deliver::BatchView view;
  CHECK(view.make(many, stretch, nullptr, 1, "").count == 5);
  CHECK(view.make(one, stretch, nullptr, 1, "").count == 1);
}

TEST_CASE("a view gives each message the metadata that lies before it in the log") {
  test::OneDelivery one;
  const auto append = [&](const char* frame, const test::Pairs& pairs) {
    if (pairs.empty())
      one.append("x");
    else
      REQUIRE(test::append_described(one.log, {frame, 5}, pairs, 1, 1));
    if (!pairs.empty()) ++one.delivery.edit_tally().matched;
    one.memory.commit();
  };
  append("\1\0\0\0a", {{"key", "k1"}, {"header", "h"}});
  append("", {});
  append("\1\0\0\0c", {{"key", "k3"}});
  deliver::Batch batch(10, 1000);
  REQUIRE(batch.fill_next(one.delivery));
  deliver::BatchView view;
  const auto made = view.make(batch.frames(), batch.stretches(), batch.memory(), 1, "in", "/fifo");
  REQUIRE(made.count == 3);
  REQUIRE(made.stride == sizeof(standpipe_message));
  std::string all;
  for (std::uint32_t i = 0; i < made.count; ++i) {
    for (std::uint32_t p = 0; p < made.messages[i].meta_count; ++p) {
      const auto& pair = made.messages[i].meta[p];
      all += std::string(pair.name.data, pair.name.size) + '=' +
             std::string(pair.value.data, pair.value.size) + ' ';
    }
    all += '|';
  }
  CHECK(all == "key=k1 header=h ||key=k3 |");
}

TEST_CASE("one block describes messages for others, too, and a batch that begins in its middle") {
  test::OneDelivery one;
  log::MetaBlockWriter block;
  for (const char* key : {"k0", "k1", "k2", "k3"}) {
    REQUIRE(block.add("key", std::as_bytes(std::span(key, 2))));
    block.end_message();
  }
  const auto room = one.log.add_block(block.finish(), 20, 4);
  REQUIRE(room.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) room[i] = std::byte(i % 5 == 0 ? 1 : 0);
  one.log.filled(20);
  const std::uint64_t others = 2, ours = 1;
  REQUIRE(one.log.add_run(5, 1, 1, 1, {&ours, 1}));
  REQUIRE(one.log.add_run(5, 1, 1, 1, {&others, 1}));
  REQUIRE(one.log.add_run(10, 2, 1, 1, {&ours, 1}));
  one.delivery.edit_tally().matched += 3;
  one.memory.commit();
  deliver::Batch batch(2, 1000);
  deliver::BatchView view;
  const auto keys = [&] {
    REQUIRE(batch.fill_next(one.delivery));
    const auto made = view.make(batch.frames(), batch.stretches(), batch.memory(), 1, "in");
    std::string all;
    for (std::uint32_t i = 0; i < made.count; ++i)
      all += std::string(made.messages[i].meta->value.data, 2) + ' ';
    return all;
  };
  CHECK(keys() == "k0 k2 ");
  CHECK(keys() == "k3 ");
}
