// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

namespace standpipe {

// What stands at a path, for people: "a FIFO". The mode is that of stat or lstat.
inline const char* file_kind(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a folder";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

}  // namespace standpipe
