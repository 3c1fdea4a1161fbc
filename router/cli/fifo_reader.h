// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "frame/codec.h"

namespace standpipe::cli {

// Takes frames out of a FIFO. It never waits: `next_frame` returns what there is, and `wake_fd`
// becomes readable when there may be more.
//
// Waiting uses edge-triggered epoll, because poll on a FIFO without writers returns at once, again
// and again. An edge is reported once, so wait only after `next_frame` has returned `nothing`.
class FifoReader {
 public:
  struct Options {
    std::string path;
    std::uint64_t payload_max = kMessageSizeMaxDefault;
    // Read just the frame that is wanted, its header and then its payload, and leave what follows
    // in the FIFO for other readers. Otherwise as much as there is.
    bool exact = false;
  };
  enum class Next {
    frame,      // payload() has it, until the next call
    nothing,    // no whole frame now; incomplete_bytes() bytes of one have come
    truncated,  // the writers left in the middle of a frame; what there was of it is dropped
    too_large,  // what comes cannot be understood any more
  };

  // Throws Failure: no FIFO, no permission.
  explicit FifoReader(const Options& options);

  Next next_frame();
  std::string_view payload() const { return payload_; }
  std::size_t incomplete_bytes() const {
    return end_ - begin_;
  }                                             // bytes of a frame that is not whole yet
  std::uint64_t need() const { return need_; }  // bytes that frame will have; 0: not known yet
  std::uint64_t claimed() const {
    return claimed_;
  }  // payload bytes of the frame that is too large
  std::string_view head() const { return {buffer_.data() + begin_, end_ - begin_}; }
  // From now on reads no more than the frame at hand: for ending after it.
  void begin_no_more() { exact_ = true; }

  bool created() const { return created_; }
  int fd() const { return fd_.get(); }
  int wake_fd() const { return epoll_.get(); }
  void awake();  // after wake_fd was readable

 private:
  bool find_frame();
  long fill();
  std::size_t wanted() const;

  bool exact_;
  bool created_ = false;
  bool truncated_ = false;
  bool too_large_ = false;
  Fd fd_;
  Fd epoll_;
  std::unique_ptr<frame::Codec> codec_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what was read and not taken: begin <= end <= buffer size
  std::string_view payload_;
  std::uint64_t need_ = 0;
  std::uint64_t claimed_ = 0;
};

}  // namespace standpipe::cli
