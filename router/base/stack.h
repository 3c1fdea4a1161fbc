// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "base/failure.h"
#include "base/limits.h"

// A stack that is too small ends a process with SIGSEGV, anywhere and without a word. So `main`
// sees to it once, before any thread starts, and whatever limit the caller left (ulimit -s): the
// limit is raised as far as it may be, and threads get a size of their own.
namespace standpipe {

constexpr std::size_t kMainStackLeast = 256 * KiB;  // a worker has been seen to die with 64 KiB
constexpr std::size_t kThreadStackLeast = 2 * MiB;  // plugins and their libraries run on it, too

// Returns why the main thread cannot have enough.
[[nodiscard]] std::optional<Failure> make_room_for_stacks();

}  // namespace standpipe
