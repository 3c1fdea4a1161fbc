// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/interruption.h"

namespace standpipe::cli {

// Puts messages into a FIFO as frames, safely beside other writers.
//
// Frames are gathered into bursts, and an exclusive flock on the FIFO is held for each burst: what
// is larger than PIPE_BUF would otherwise mix with the frames of others. Writers of small frames
// need no lock, because the kernel keeps writes of at most PIPE_BUF bytes whole; so within a burst
// small frames go out in such writes, and never share one with a large frame. The lock is not held
// while the caller looks for more messages: `flush` before waiting for anything.
//
// An incomplete frame is finished: an interruption counts between frames, unless it comes twice or
// nothing moves for 5 s.
class FifoWriter {
 public:
  static constexpr std::size_t kBurstBytes =
      64 * KiB;  // a FIFO's default capacity: the lock is held for one fill

  struct Options {
    std::string path;
    std::uint64_t payload_max = kMessageSizeMaxDefault;
    std::optional<Nanoseconds> timeout = {};  // how long to wait for the lock, or for room
  };

  // Throws Failure: nobody reads, no FIFO, no permission.
  FifoWriter(Options options, Interruption& interruption);

  // false: interrupted; nothing more will be sent. Throws Failure when the reader leaves or the
  // timeout is over, saying how much was sent; and, before a byte of it is written, for a message
  // beyond the limit.
  [[nodiscard]] bool add(std::string_view payload);
  [[nodiscard]] bool flush();

  // What is wholly in the FIFO.
  std::uint64_t messages() const { return messages_; }
  std::uint64_t bytes() const { return bytes_; }  // of payload
  std::string summary() const;                    // "sent 1 message, 30 bytes"

 private:
  struct Piece {  // frames that go out by one write, or one large frame
    std::size_t end;
    std::uint64_t messages;
    std::uint64_t bytes;  // of payload
  };
  void append(std::string_view payload);
  bool write_burst();
  bool write_piece(std::string_view bytes);
  Deadline patience() const;
  Failure reader_left(std::size_t written, std::size_t size) const;
  Failure too_late(const std::string& what, std::size_t written, std::size_t size) const;
  std::string so_far(std::size_t written, std::size_t size) const;

  Options options_;
  Interruption& interruption_;
  Fd fd_;
  std::string burst_;
  std::vector<Piece> pieces_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace standpipe::cli
