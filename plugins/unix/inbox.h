// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace unix_socket {

enum class Received { some, nothing, end };

// Bytes that were read from a stream and not used yet. It holds what has arrived of one frame and
// one read; a length that a peer only announces takes no memory.
class Inbox {
 public:
  // One read.
  Received read(int fd);
  std::string_view bytes() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }

 private:
  void make_room();

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool was_filled_ = false;  // by the last read: a larger one would have brought more
};

}  // namespace unix_socket
