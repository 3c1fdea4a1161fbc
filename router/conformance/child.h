// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"

namespace standpipe::conformance {

// What became of one check.
struct Verdict {
  enum class Kind { passed, failed, not_run };
  Kind kind = Kind::passed;
  std::string text;      // why it failed, or was not run
  std::string output;    // the last lines that the plugin wrote to its standard streams
  bool is_meant = true;  // false: not run, because the plugin has nothing of that kind
};

// Thrown by a check: it holds not, or cannot be judged.
struct Problem {
  std::string text;
};
struct NotJudged {
  std::string text;
};
// The plugin does not offer what the check is about.
struct NotMeant {
  std::string text;
};

// In the child: which call of the plugin runs, so that a death or a hang is known by it. A copy of
// the child that the plugin forks changes nothing.
void enter_call(const char* name);
// What lies at an address, for a fault there; nullptr: nobody knows.
void explain_faults(std::function<std::string(const void*)> explain);

// Runs a check in a child of its own, in `folder`, with its standard streams kept apart, and ends
// it and whatever it started when it has not come back in time. To be called while this process has
// one thread.
Verdict run_in_child(const std::function<void()>& check, const std::string& folder,
                     Nanoseconds timeout);

}  // namespace standpipe::conformance
