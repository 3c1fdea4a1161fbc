// SPDX-License-Identifier: Apache-2.0
#include "deliver/queue_options.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using deliver::QueueOptions;

TEST_CASE("only a queue in memory that does not block drops what lies in the log") {
  using Type = QueueOptions::Type;
  using WhenFull = QueueOptions::WhenFull;
  const auto drops = [](Type type, WhenFull when) {
    return QueueOptions{.type = type, .when_full = when}.drops();
  };
  CHECK(drops(Type::memory, WhenFull::drop_newest));
  CHECK(drops(Type::memory, WhenFull::drop_oldest));
  CHECK_FALSE(drops(Type::memory, WhenFull::block));
  CHECK_FALSE(drops(Type::disk, WhenFull::drop_oldest));
  CHECK_FALSE(drops(Type::none, WhenFull::drop_oldest));
}

TEST_CASE("a plugin has half of a queue that drops in its hands, and one message at least") {
  QueueOptions queue{.type = QueueOptions::Type::memory,
                     .size_max = 1001,
                     .messages_max = 7,
                     .when_full = QueueOptions::WhenFull::drop_newest};
  CHECK(queue.messages_in_hand() == 3);
  CHECK(queue.bytes_in_hand() == 500);
  queue.messages_max = queue.size_max = 1;
  CHECK(queue.messages_in_hand() == 1);
  CHECK(queue.bytes_in_hand() == 1);
  queue.when_full = QueueOptions::WhenFull::block;
  CHECK(queue.messages_in_hand() == QueueOptions::kNoLimit);
  CHECK(queue.bytes_in_hand() == QueueOptions::kNoLimit);
}
