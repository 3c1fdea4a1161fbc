// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

// What a handler's child does to itself before its plugin is loaded. Each returns why it could not
// be done, for a person; empty: it was.
namespace standpipe::child {

// Data beyond that cannot be had: the heap, stacks of threads, what is mapped privately. Messages
// are not counted, which are mapped for reading from the hub's memory. 0: no limit.
std::optional<std::string> limit_memory(std::uint64_t bytes);

// Becomes that user, with all groups of theirs and no others. Empty: stays what it is.
std::optional<std::string> become_user(const std::string& user);

// A process group of its own, so that what its plugin starts can be ended with it. It may still
// write to a terminal, whose foreground it is not in.
void leave_group();

// It dies when its parent does. After `become_user`, which ends this. false: that is gone already.
bool die_with(pid_t parent);

}  // namespace standpipe::child
