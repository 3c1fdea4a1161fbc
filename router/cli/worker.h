// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/log_format.h"
#include "cli/command.h"

namespace standpipe::cli {

// `standpipe run` is two processes. The keeper is the one that was started; this is the other,
// which does the work and which only a keeper starts. So it is in no list and has no help of its
// own.
inline constexpr std::string_view kWorker = "worker";
Command worker_command();
// The same for the process of a handler (isolation: process), which only a worker starts.
Command handler_process_command();
// Its command line: the same as run's, where its files are (absolute), and "--spill" (it
// only saves what waits), "--dump-memory" (it only copies the memory), or "".
std::vector<std::string> worker_words(const Arguments& run, const std::vector<std::string>& places,
                                      LogFormat format, const char* what);
// --log-format, or what fits the descriptor that messages go to.
LogFormat log_format_of(const Arguments& arguments, int fd);

}  // namespace standpipe::cli
