// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch_view.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

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
