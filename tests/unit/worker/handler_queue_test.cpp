// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_queue.h"

#include <catch2/catch.hpp>

using standpipe::worker::HandlerQueue;

namespace {

using Handlers = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a handler that is blocked is ready when something has moved on, and not before") {
  HandlerQueue queue;
  queue.block(3);
  CHECK(queue.empty());
  queue.unblock();
  CHECK(queue.round() == Handlers{3});
  queue.unblock();  // it did not block again
  CHECK(queue.empty());
}

TEST_CASE("a handler that is ready and blocked is tried once a round") {
  HandlerQueue queue;
  queue.block(1);
  queue.add(1);
  queue.block(2);
  queue.block(2);
  queue.unblock();
  CHECK(queue.round() == Handlers{1, 2});
}
