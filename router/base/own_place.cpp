// SPDX-License-Identifier: Apache-2.0
#include "base/own_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/file_kind.h"
#include "base/opening.h"

namespace standpipe {
namespace {

std::string kind_of(mode_t mode) { return std::string("is ") + file_kind(mode); }

// nullopt: nothing is there. A link is not followed.
std::optional<mode_t> mode_at(const std::string& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return std::nullopt;
  return there.st_mode;
}

// Of a regular file: why it cannot be opened. Where nothing can be written the file is not to
// blame.
std::string refusal_of(const std::string& path) {
  const auto opened = paths::open_existing(path, O_RDWR, own_file());
  const int error = opened.problem().error;
  if (opened || (error != EACCES && error != EPERM)) return {};
  return std::string("cannot be opened (") + std::strerror(error) + ")";
}

}  // namespace

std::string OwnPlace::fault() const {
  const auto mode = mode_at(path_);
  if (!mode) return {};
  if (kind_ == Kind::file) return S_ISREG(*mode) ? refusal_of(path_) : kind_of(*mode);
  struct stat target {};
  if (S_ISDIR(*mode) || (S_ISLNK(*mode) && ::stat(path_.c_str(), &target) != 0)) return {};
  return S_ISLNK(*mode) && S_ISDIR(target.st_mode) ? "" : kind_of(*mode);
}

std::string OwnPlace::closed() const {
  const auto mode = mode_at(path_);
  struct stat target {};
  if (!mode || kind_ == Kind::file) return {};
  if (S_ISLNK(*mode) && ::stat(path_.c_str(), &target) != 0)
    return std::string("is a symbolic link that leads nowhere now (") + std::strerror(errno) + ")";
  const bool is_folder = ::stat(path_.c_str(), &target) == 0 && S_ISDIR(target.st_mode);
  if (is_folder && ::faccessat(AT_FDCWD, path_.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0 &&
      errno == EACCES)
    return std::string("cannot be looked into (") + std::strerror(errno) + ")";
  return {};
}

std::string OwnPlace::move_aside() const {
  const paths::Entry entry(path_, own_file());
  if (entry.name().empty()) return {};
  const auto plain = entry.name() + ".foreign";
  auto name = plain;
  struct stat there {};
  for (int n = 2; entry.status_of(name, there) == 0; ++n) name = plain + '-' + std::to_string(n);
  if (entry.rename_to(name) != 0) return {};
  return path_.substr(0, path_.rfind('/') + 1) + name;
}

}  // namespace standpipe
