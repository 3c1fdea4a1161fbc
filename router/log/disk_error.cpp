// SPDX-License-Identifier: Apache-2.0
#include "log/disk_error.h"

#include <cerrno>

namespace standpipe::log {

std::string disk_help(int error, const std::string& path) {
  if (error == ENOSPC || error == EDQUOT) return "make room in the file system of " + path;
  if (error == EFBIG) return "raise the limit of a file's size (ulimit -f)";
  if (error == EIO) return "look at the disk: dmesg says what it reported";
  if (error == EACCES || error == EPERM) return "it must belong to the hub's user";
  return {};
}

Failure disk_error(std::string_view action, const std::string& path, int error) {
  return Failure::system(std::string(action) + ' ' + path, error, disk_help(error, path));
}

}  // namespace standpipe::log
