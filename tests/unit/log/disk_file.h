// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "temporary_folder.h"

namespace test {

// An open file of the test's own.
class DiskFile {
 public:
  explicit DiskFile(std::string_view content = {}) { put(content); }
  void put(std::string_view content, off_t at = 0) const {
    (void)!::pwrite(fd(), content.data(), content.size(), at);
  }
  void cut(off_t bytes) const { (void)!::ftruncate(fd(), bytes); }
  std::string content() const {
    std::string bytes(static_cast<std::size_t>(::lseek(fd(), 0, SEEK_END)), '\0');
    bytes.resize(static_cast<std::size_t>(::pread(fd(), bytes.data(), bytes.size(), 0)));
    return bytes;
  }
  int fd() const { return fd_.get(); }
  std::string path() const { return folder_ / "file"; }

 private:
  TemporaryFolder folder_;
  standpipe::Fd fd_{::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace test
