// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "conformance/check.h"
#include "conformance/child.h"

namespace standpipe::conformance {

struct Result {
  const Check* check = nullptr;
  Verdict verdict;
  Nanoseconds took{0};
};

struct SuiteOptions {
  std::vector<std::string> only;                   // ids; none: all. What they need runs, too
  Nanoseconds timeout = std::chrono::seconds(10);  // of one check
};

// Runs the checks one after the other, each in a child and a folder of its own, and tells about
// each as soon as it is judged. A check whose prerequisite failed is not run: what it would say,
// the other one has said. Checks of handlers are left out for a plugin that has none, unless they
// are asked for, and so are those of sources.
std::vector<Result> run_suite(const Request& request, const SuiteOptions& options,
                              const std::function<void(const Result&)>& tell);

// The check of that name; nullptr: there is none.
const Check* find_check(std::string_view id);
std::vector<std::string> check_ids();

}  // namespace standpipe::conformance
