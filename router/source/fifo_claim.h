// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/file_id.h"

namespace standpipe::source {

// A hub's claim to be the only reader of a FIFO among hubs, because two readers would each get
// pieces of frames. The claim belongs to the FIFO, whatever path or configuration led to it, and to
// the open file: the keeper has that too and so holds the claim through the deaths of workers; it
// ends when the last descriptor is closed. It is independent of the flock of senders on the same
// FIFO.
//
// It is a record lock of the open file (F_OFD_SETLK) for reading, because a read end can have no
// other; asking whether a write lock could be had reveals it. The number of the locked byte is the
// hub's process id. Where there are no such locks, nothing is claimed.

// `hub`: the process that people know the hub by. Claiming again what is claimed already changes
// nothing. Throws Failure: another hub, or another source of this one, reads it.
void claim_fifo(const std::string& path, int read_end, pid_t hub);

// The hub that has claimed the FIFO, as /proc/locks shows it: for somebody who must not open it,
// because a writer that waits for a reader would take that for one. nullopt: none that is seen.
std::optional<pid_t> claimant(const FileId& fifo);

}  // namespace standpipe::source
