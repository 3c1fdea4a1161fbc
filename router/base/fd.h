// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstddef>
#include <utility>

namespace standpipe {

// Owns one file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Both ends of a pipe of ours, non-blocking and close-on-exec.
struct Pipe {
  Fd read_end;
  Fd write_end;
  std::size_t capacity = 0;  // bytes, as the kernel gave it

  // Asks for `wanted` bytes; takes what pipe-user-pages-soft leaves. Throws Failure when there are
  // no descriptors.
  static Pipe make(std::size_t wanted);
};

// How many bytes wait in a pipe or FIFO (FIONREAD).
std::size_t bytes_waiting(int fd);
// Asks for a larger pipe; returns the capacity that it has then. Never shrinks.
std::size_t grow_pipe(int fd, std::size_t wanted);

}  // namespace standpipe
