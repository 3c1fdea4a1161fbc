// SPDX-License-Identifier: Apache-2.0
#include "log/file_window.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/failure.h"
#include "log/disk_error.h"

namespace standpipe::log {

std::span<const std::byte> FileWindow::view(std::uint64_t offset, std::size_t bytes,
                                            std::uint64_t end) {
  if (offset >= offset_ && offset - offset_ + bytes <= bytes_.size())
    return std::span(bytes_).subspan(offset - offset_, bytes);
  offset_ = offset;
  read(std::max<std::uint64_t>(bytes, std::min<std::uint64_t>(kBytes, end - offset)));
  return std::span(bytes_).first(bytes);
}

// Memory that a large piece took is given back with the next small one (which `= {}` would not do).
void FileWindow::read(std::size_t bytes) {
  if (bytes_.capacity() > 2 * std::max(bytes, kBytes)) bytes_ = std::vector<std::byte>();
  bytes_.resize(bytes);
  for (std::size_t done = 0; done < bytes;) {
    const auto n =
        ::pread(fd_, bytes_.data() + done, bytes - done, static_cast<off_t>(offset_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    const int error = errno;
    forget();
    if (n == 0)
      throw Failure(path_ + " became shorter while it was read",
                    "let nobody but the hub change it");
    throw disk_error("read", path_, error);
  }
}

}  // namespace standpipe::log
