// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace standpipe::log {

// A file that is read through one piece of memory: reading on costs a system call a window, and a
// file of any size needs no more memory than a window, or its largest piece. mmap was refused: a
// file that others make shorter meanwhile would kill the process (SIGBUS).
//
// The descriptor is borrowed. One thread.
class FileWindow {
 public:
  static constexpr std::size_t kBytes = 256 * 1024;

  FileWindow(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  // `bytes` of the file from `offset` on; valid until the next call. Reads on a little, but never
  // after `end`, where an appender may still change what lies there. Throws Failure when the disk
  // cannot be read, or the file ends before.
  std::span<const std::byte> view(std::uint64_t offset, std::size_t bytes, std::uint64_t end);
  // The file was changed: what was read is not shown again.
  void forget() { bytes_.clear(); }
  std::size_t memory() const { return bytes_.capacity(); }

 private:
  void read(std::size_t bytes);

  std::string path_;
  int fd_;
  std::vector<std::byte> bytes_;
  std::uint64_t offset_ = 0;
};

}  // namespace standpipe::log
