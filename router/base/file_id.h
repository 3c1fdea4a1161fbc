// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace standpipe {

// The identity of a file, independent of its path: two paths, or a path and a descriptor, that lead
// to the same file have the same FileId. The kernel may reuse the number once the file is gone and
// closed everywhere, so a FileId is certain only for a file that is open.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;

  static FileId of(const struct stat& status) { return {status.st_dev, status.st_ino}; }
  // Throws Failure when it is not an open file.
  static FileId of(int fd);
  // Of what a path leads to; empty: to nothing.
  static std::optional<FileId> at(const std::string& path);
};

// Whether the descriptor is open, and of that file.
bool is_of(int fd, const FileId& id);

}  // namespace standpipe
