// SPDX-License-Identifier: Apache-2.0
#include "child/handler_process.h"

#include <catch2/catch.hpp>

#include "base/failure.h"

using namespace standpipe;

// What it does when it was: deliver/child_process_test and process_executor_test.
TEST_CASE("a handler's process that no worker has started says so, and does nothing") {
  for (const auto* descriptors : {"", "1", "1,2,3,4,5", "a,b,c,d,e"})
    CHECK_THROWS_WITH(child::serve_calls(descriptors),
                      "a handler's process is started by a worker only");
}
