// SPDX-License-Identifier: Apache-2.0
#include "base/failure.h"

#include <cerrno>
#include <cstring>

namespace standpipe {
namespace {

// What a limit of the process or of the machine refuses has one remedy, wherever it shows.
const char* remedy_of_limit(int error_number) {
  switch (error_number) {
    case EMFILE:
      return "raise the limit of open files: ulimit -n";
    case ENFILE:
      return "raise the machine's limit of open files: sysctl fs.file-max";
    case EFBIG:
      return "raise the limit of file sizes (ulimit -f, LimitFSIZE=)";
    case ENOMEM:
      return "make memory free, or raise its limit (ulimit -v and -d, MemoryMax=)";
    default:
      return "";
  }
}

}  // namespace

Failure Failure::system(std::string_view what, int error_number, std::string help) {
  if (help.empty()) help = remedy_of_limit(error_number);
  return Failure("cannot " + std::string(what) + ": " + std::strerror(error_number),
                 std::move(help));
}

}  // namespace standpipe
