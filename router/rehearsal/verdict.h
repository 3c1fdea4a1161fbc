// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "config/test_options.h"
#include "rehearsal/performance.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/wanted.h"

namespace standpipe::rehearsal {

// A test that was run, and, where it failed, why. All texts are single lines that are safe on a
// terminal.
struct Verdict {
  struct Reason {
    std::string text;
    std::string place;  // "orders.yaml:66:25"; may be empty
    bool operator==(const Reason&) const = default;
  };
  bool passed = true;
  Nanoseconds took{0};
  // The rest only where it failed.
  std::vector<std::string> sent;        // "orders  {...}"
  std::vector<std::string> expected;    // what did not come: "billing 1"
  std::vector<std::string> got;         // instead: "small_orders 1 (by route other orders)"
  std::vector<Difference> differences;  // of payloads
  std::vector<Reason> because;
};

// Takes time for what is shown only where the test failed.
Verdict run_test(Rehearsal& rehearsal, const config::TestOptions& test);

}  // namespace standpipe::rehearsal
