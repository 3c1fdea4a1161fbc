// SPDX-License-Identifier: Apache-2.0
#include "deliver/queue_record.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace standpipe;
using deliver::QueueRecord;

TEST_CASE("what is written of a message is read again") {
  const QueueRecord record{7, 8, 9};
  const auto meta = record.meta();
  const auto read = QueueRecord::read(meta);
  REQUIRE(read);
  CHECK(read->number == 7);
  CHECK(read->sequence == 8);
  CHECK(read->accepted_ns == 9);
}

TEST_CASE("what is no message is none") {
  auto meta = QueueRecord{7, 8, 9}.meta();
  CHECK_FALSE(QueueRecord::read(std::span(meta).first(meta.size() - 1)));
  CHECK_FALSE(QueueRecord::read({}));
  meta[0] = std::byte{2};
  CHECK_FALSE(QueueRecord::read(meta));
  CHECK_FALSE(QueueRecord::read(QueueRecord{0, 8, 9}.meta()));
}
