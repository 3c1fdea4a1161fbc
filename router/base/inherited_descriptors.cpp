// SPDX-License-Identifier: Apache-2.0
#include "base/inherited_descriptors.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <set>
#include <vector>

#include "base/text.h"

namespace standpipe {
namespace {

// On an old or emulated kernel: closes the existing ones one by one.
void close_one_by_one(unsigned first, unsigned last) {
  std::vector<int> open;
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return;
  while (const auto* entry = ::readdir(folder))
    if (const auto n = parse_integer(entry->d_name);
        n && *n >= first && *n <= last && *n != ::dirfd(folder))
      open.push_back(static_cast<int>(*n));
  ::closedir(folder);
  for (const int fd : open) ::close(fd);
}

void close_between(unsigned first, unsigned last) {
  if (first > last) return;
  if (::close_range(first, last, 0) != 0 && errno == ENOSYS) close_one_by_one(first, last);
}

}  // namespace

std::optional<int> descriptor_in(std::string_view path) {
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    const auto n = parse_integer(path.substr(folder.size()));
    if (n && *n >= 0 && *n < INT_MAX) return static_cast<int>(*n);
  }
  return std::nullopt;
}

void close_inherited_descriptors(std::span<const std::string> words) {
  std::set<unsigned> named;
  for (const auto& word : words)
    if (const auto fd = descriptor_in(word); fd && *fd > STDERR_FILENO)
      named.insert(static_cast<unsigned>(*fd));
  unsigned first = STDERR_FILENO + 1;
  for (const auto fd : named) {
    close_between(first, fd - 1);
    first = fd + 1;
  }
  close_between(first, UINT_MAX);
}

int listen_descriptors() {
  const char* count = std::getenv("LISTEN_FDS");
  const char* whose = std::getenv("LISTEN_PID");
  if (!count || !whose || parse_integer(whose) != ::getpid()) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(parse_integer(count).value_or(0), 0, INT_MAX));
}

}  // namespace standpipe
