// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/fd.h"
#include "deliver/join_buffer.h"

namespace standpipe::deliver {

// A pipe of ours before an output's FIFO. Bytes come into it by copies from a log, or by reference
// from a relay's pipe, and go on by reference. So what has moved can always be found from our side,
// whatever becomes of the reader: it is what the stage has lost.
//
//   pushed to the FIFO <- | staged: to be pushed | prefetched: not asked for yet |
//
// One thread. Both ends are non-blocking.
class Stage {
 public:
  // `wanted`: bytes that the pipe is to hold; 0: as the kernel makes it.
  explicit Stage(std::size_t wanted) : wanted_(wanted) {}
  // Makes the pipe, unless it is there. Throws Failure when there are no descriptors.
  void make();
  // What an earlier worker made.
  void adopt(Fd read_end, Fd write_end);

  // Copies into it; returns the bytes that found room. Nothing may be prefetched.
  std::size_t add(std::span<const iovec> pieces);
  // Bytes after those that are staged; they are not pushed until they are committed.
  void prefetch(const Pipe& from, std::size_t most);  // by reference; `from` keeps them
  std::uint64_t prefetch_copy(std::span<const std::byte> bytes);
  void commit(std::uint64_t bytes);
  // What happened to what was staged.
  struct Pushed {
    std::uint64_t bytes = 0;
    bool reader_gone = false;
    int error = 0;  // what the kernel said that is no condition of a FIFO
  };
  Pushed push_to(int fifo);
  void empty();
  // A copy of what waits in another pipe, which keeps it: as much as the stage holds, which is to
  // be empty, and is so afterwards.
  std::vector<std::byte> peek(int from);

  std::uint64_t staged() const { return staged_; }
  std::uint64_t prefetched() const { return prefetched_; }
  std::size_t capacity() const { return pipe_.capacity; }
  // Bytes that it may have room for; a pipe can be full earlier, by its slots.
  std::size_t room() const {
    return capacity() - std::min<std::size_t>(capacity(), staged_ + prefetched_);
  }
  // Bytes that are in the pipe, as the kernel says: also of one that was adopted.
  std::uint64_t waiting() const { return bytes_waiting(read_end()); }
  int read_end() const { return pipe_.read_end.get(); }
  int write_end() const { return pipe_.write_end.get(); }

 private:
  std::size_t wanted_;
  Pipe pipe_;
  JoinBuffer join_;
  std::uint64_t staged_ = 0;
  std::uint64_t prefetched_ = 0;
};

// Reads what lies in a non-blocking pipe and throws it away, at most that many bytes, because
// others may continue to write.
void discard_from(int fd, std::uint64_t most);

}  // namespace standpipe::deliver
