// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"

namespace standpipe::plugin {

constexpr Nanoseconds kTrialMost = std::chrono::seconds(10);

// Does `what`, which calls into a plugin, in a child of this process first, so that a plugin that crashes takes the child along and
// not whoever asked. What the child writes to its standard streams goes nowhere. nullopt: it came back; exceptions are no fault
// here. Else what it did: "crashed (SIGSEGV)", "ended the process (exit 0)", "did not come back within 10s".
//
// To be called while this process has one thread. Where no child can be had, nothing is tried.
std::optional<std::string> fault_in_child(const std::function<void()>& what, Nanoseconds most = kTrialMost);

}  // namespace standpipe::plugin
