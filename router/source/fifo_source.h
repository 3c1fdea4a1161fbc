// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/file_id.h"
#include "source/create_fifo.h"
#include "source/options.h"

namespace standpipe::source {

// How a turn at a FIFO ended.
enum class After {
  more,     // there may be more: take another turn without waiting
  emptied,  // nothing to do for now: epoll or the clock will tell
  closed,   // empty, and no writer has it open
};

// When a turn that took less than it might have is the last for now.
enum class Until {
  empty,     // epoll tells what comes, so nothing may be left
  closed,    // epoll said that the writers have gone: only when that is seen
  gathered,  // it is polled: less is left than came
};

struct Accepted {
  std::size_t bytes = 0;
  After after = After::emptied;
  int error = 0;  // what the kernel said that is no condition of a FIFO
};

// The pipe of ours through which all bytes come, one a worker; and where what nobody wants goes to
// from there.
struct Stage {
  const Pipe& pipe;
  int dev_null;
};

// The read end of one named FIFO. It is opened O_RDONLY | O_NONBLOCK and stays open, so writers
// come and go as they like, and no O_RDWR trick is needed (edge-triggered epoll reports once that
// the last writer left).
//
// Bytes come in by splice into a stage, a pipe of ours, and from there by read into our memory: a
// writer that used vmsplice could otherwise change them after they were checked. Whatever
// instruction the process dies at, what is in the stage is ours and can be counted; nothing else
// needs to be.
class FifoSource {
 public:
  // Creates the FIFO when it is missing. Throws Failure: not a FIFO, somebody else's symbolic link,
  // folder missing, no permission. `kept`: its read end, as an earlier worker had it.
  explicit FifoSource(const SourceOptions& options, std::optional<Fd> kept = {});
  // Of a source that is no more: a pipe without writers, from which nothing ever comes.
  static FifoSource nothing(const SourceOptions& options);
  // Makes the FIFO when it is missing, as the constructor does. Throws Failure.
  static void prepare(const SourceOptions& options);

  // Moves at most `most` bytes (at least 1) into the stage, which is empty.
  Accepted splice_to(const Pipe& stage, std::size_t most, Until until);

  Named named() const { return what_is_at(path_, id()); }
  // false once a writer was there and the last one left.
  bool has_writer() const;
  std::size_t waiting() const { return bytes_waiting(fd_.get()); }
  // A larger pipe between writers and us means fewer wake-ups.
  void grow(std::size_t bytes) { grow_pipe(fd_.get(), bytes); }
  int fd() const { return fd_.get(); }
  // Where the FIFO is that is open, which may be elsewhere than path() says; "pipe:[5]" is
  // nothing().
  std::string place() const;
  const std::string& path() const { return path_; }
  bool created() const { return created_; }
  // How a FIFO that was there differs from what was asked for, or nothing (PreparedFifo::differs).
  const std::string& differs() const { return differs_; }
  FileId id() const { return FileId::of(fd_.get()); }

 private:
  bool adopt(std::optional<Fd> kept);
  After classify(long moved, std::size_t wanted, Until until) const;

  std::string path_;
  bool created_ = false;
  std::string differs_;
  Fd fd_;
};

// Fills `room` from the stage, which holds that much at least. false: it came in pieces, so a
// writer writes packets (O_DIRECT).
bool read_stage(const Pipe& stage, std::span<std::byte> room);
// Empties the stage to /dev/null.
void discard_stage(const Pipe& stage, int dev_null);

}  // namespace standpipe::source
