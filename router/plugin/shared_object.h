// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace standpipe::plugin {

// Why a file cannot be a shared object of this machine, found before the loader sees it; nullopt:
// no reason. The loader maps what the file's header promises and touches it, so a truncated file (a
// full disk, a copy in progress) would end the process by SIGBUS, and opening a FIFO of that name
// would wait for ever.
std::optional<std::string> shared_object_problem(const std::string& path);

}  // namespace standpipe::plugin
