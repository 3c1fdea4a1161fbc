// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch_limit.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE("without a timeout a batch is as large as batches can be, however long calls take") {
  deliver::BatchLimit limit(Nanoseconds(0));
  CHECK(limit.messages() == kBatchMessages);
  limit.took(kBatchMessages, 1h);
  CHECK(limit.messages() == kBatchMessages);
}

TEST_CASE("with one it starts at one message, and doubles while a call takes a quarter at most") {
  deliver::BatchLimit limit(4s);
  CHECK(limit.messages() == 1);
  limit.took(1, 1s);
  CHECK(limit.messages() == 2);
  for (int i = 0; i < 20; ++i) limit.took(limit.messages(), 1ms);
  CHECK(limit.messages() == kBatchMessages);
}

TEST_CASE(
    "after a slow call it is what takes a quarter of the timeout at that pace, or one message") {
  deliver::BatchLimit limit(4s);
  limit.took(100, 2s);
  CHECK(limit.messages() == 50);
  limit.took(2, 3h);
  CHECK(limit.messages() == 1);
}
