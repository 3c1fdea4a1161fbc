// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace standpipe::source {

// A hub's claim to be a FIFO's only reader among hubs: two that read one FIFO would each get pieces of frames. It belongs to the
// FIFO, whatever path or configuration led to it, and to the open file: the keeper, which has that too, holds it through the deaths
// of workers, and it ends when the last descriptor of it is closed. Senders' flock on the same FIFO is another thing.
//
// A record lock of an open file (F_OFD_SETLK) for reading, because a read end can have no other; whoever asks whether a lock for
// writing could be had learns of it. Which byte is locked tells the hub's process. Where there are no such locks nothing is
// claimed.

// `hub`: the process that people know the hub by. Claiming again what is claimed already changes nothing. Throws Failure: another
// hub, or another source of this one, reads it.
void claim_fifo(const std::string& path, int read_end, pid_t hub);

}  // namespace standpipe::source
