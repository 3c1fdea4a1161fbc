// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace standpipe::plugin {

// What keeps a file from being a shared object of this machine, before the loader sees it; nullopt: nothing.
// The loader maps what the file's header promises and touches it: a file that was cut short (a full disk, a
// copy in progress) ends the process by SIGBUS, and opening a FIFO of that name waits for ever.
std::optional<std::string> shared_object_problem(const std::string& path);

}  // namespace standpipe::plugin
