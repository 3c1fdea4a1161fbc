// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/fd.h"

namespace standpipe {

// Writes to a descriptor that other processes share (standard error) without ever waiting: not for
// a reader that does not read, a stopped terminal (Ctrl-S), or a full pipe. O_NONBLOCK cannot be
// set, because it belongs to the open file, which the shell and our children share. Asking poll
// before a write is not enough: another writer may fill the pipe in between.
//
//   socket              send with MSG_DONTWAIT
//   pipe, terminal      opened again by /proc/self/fd, as an open file of our own with O_NONBLOCK
//   a pipe that may not be opened (another user's)
//                       written to a pipe of our own, and from there by splice, which takes its
//                       SPLICE_F_NONBLOCK with each call; a slot of the pipe is spent on each write
//                       then, so it is the second choice
//   anything else       a file: a write waits for the disk at most; a terminal that may not be
//                       opened: poll is asked before
//
// (RWF_NOWAIT would be the first choice, but pipes know it since Linux 6.4 only, and FIFOs that
// were opened by a path do not.)
class Unblocked {
 public:
  enum class Way { send, own_file, splice, plain };

  // The best way that there is.
  explicit Unblocked(int fd);
  Unblocked(int fd, Way way);

  Way way() const { return way_; }
  // Returns how many bytes went; less than all: there is no room now, or nobody reads.
  std::size_t write(std::string_view text);

 private:
  bool has_room() const;
  std::size_t write_some(std::string_view text);
  std::size_t splice_some(std::string_view text);

  int fd_;
  Way way_;
  Fd own_;     // of the same file
  Pipe pipe_;  // before it
};

}  // namespace standpipe
