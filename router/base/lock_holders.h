// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace standpipe {

// The processes that hold a lock of an open file (flock, F_OFD_SETLK) on the file that is open
// here, as far as /proc shows them: those of other users are seen by root alone. Such a lock lives
// on in whoever has a copy of the descriptor, a child that outlived its parent too, so it names
// nobody by itself. Looks at all descriptors of all processes: only to explain a refusal.
std::vector<pid_t> lock_holders(int fd);

// Whether `process` is one of them, or the parent of one.
bool is_or_has(pid_t process, const std::vector<pid_t>& holders);

// "process 12 (sleep)", "processes 12 (sleep), 13 (sh)".
std::string processes_text(const std::vector<pid_t>& processes);
// "end it: kill 12", "end them: kill 12 13".
std::string how_to_end(const std::vector<pid_t>& processes);

}  // namespace standpipe
