// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"

namespace standpipe::plugin {

constexpr Nanoseconds kTrialMost = std::chrono::seconds(10);

// Runs `what`, which calls into a plugin, first in a child of this process, so that a plugin that
// crashes kills the child and not the caller. What the child writes to its standard streams is
// discarded. nullopt: it returned (exceptions do not count as faults here). Otherwise what it did:
// "crashed (SIGSEGV)", "ended the process (exit 0)", "did not come back within 10s".
//
// To be called while this process has one thread. Where no child can be had, nothing is tried.
std::optional<std::string> fault_in_child(const std::function<void()>& what,
                                          Nanoseconds most = kTrialMost);

}  // namespace standpipe::plugin
