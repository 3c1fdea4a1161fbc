// SPDX-License-Identifier: Apache-2.0
#include "inbox.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace unix_socket {

namespace {

constexpr std::size_t kFirstBytes = 32 * 1024;
constexpr std::size_t kUsualBytes = 256 * 1024;  // more than a socket's default buffer holds
constexpr std::size_t kReadLeast = 16 * 1024;

}  // namespace

// It doubles when reads fill it, or when a frame needs more. What a large frame needed is given
// back once it is used.
void Inbox::make_room() {
  const auto held = end_ - begin_;
  if (held == 0) begin_ = end_ = 0;
  auto capacity = capacity_;
  if (capacity == 0 || (held == 0 && capacity > kUsualBytes)) {
    capacity = kFirstBytes;
  } else if ((was_filled_ && capacity < kUsualBytes) || capacity - held < kReadLeast) {
    capacity *= 2;
  }
  if (capacity != capacity_) {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (held > 0) std::memcpy(larger.get(), buffer_.get() + begin_, held);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else if (capacity_ - end_ < kReadLeast) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
  } else {
    return;
  }
  begin_ = 0;
  end_ = held;
}

Received Inbox::read(int fd) {
  make_room();
  for (;;) {
    const auto room = capacity_ - end_;
    const auto n = ::recv(fd, buffer_.get() + end_, room, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return Received::nothing;
    if (n <= 0) return Received::end;  // an error ends it, too: ECONNRESET
    end_ += static_cast<std::size_t>(n);
    was_filled_ = static_cast<std::size_t>(n) == room;
    return Received::some;
  }
}

}  // namespace unix_socket
