// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

// What a process may ask the kernel about itself and its children.
namespace standpipe::keeper {

// Children of this process, zombies included.
std::vector<pid_t> children();

// "SIGSEGV, core dumped" or "status 3", from what waitpid gave.
std::string status_text(int status);
// What to do about such a death, where a limit of processor time may be the reason; else empty.
std::string remedy_of_death(int status);

// It has begun to end: what it had open is closed, or will be. true where /proc tells nothing.
bool is_ending(pid_t pid);

// Whoever of our descendants loses its parent becomes our child.
void adopt_orphans();
// Descriptors 0 to 2 are open, so that nothing of ours gets one of these numbers, which programs
// print to.
void open_standard_streams();

}  // namespace standpipe::keeper
