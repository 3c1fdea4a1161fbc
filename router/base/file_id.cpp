// SPDX-License-Identifier: Apache-2.0
#include "base/file_id.h"

#include <cerrno>

#include "base/failure.h"

namespace standpipe {

FileId FileId::of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw Failure::system("look at an open file", errno);
  return of(st);
}

std::optional<FileId> FileId::at(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return std::nullopt;
  return of(st);
}

bool is_of(int fd, const FileId& id) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && FileId::of(st) == id;
}

}  // namespace standpipe
