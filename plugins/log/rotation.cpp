// SPDX-License-Identifier: Apache-2.0
#include "rotation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/error_text.h"
#include "common/fd.h"

using standpipe::paths::Entry;

namespace {

constexpr unsigned kRestMost = 1000;  // as many as `keep` may be

std::string rotated(const Entry& log, unsigned number) {
  return log.name() + "." + std::to_string(number);
}

bool exists(const Entry& log, const std::string& name) {
  struct stat status {};
  return log.status_of(name, status) == 0;
}

// Holds the file's lock, so that no writer comes to it meanwhile; what cannot be opened or locked
// has no writer of ours either.
struct Hold {
  common::Fd fd;
  bool is_taken = false;  // by somebody else
};

Hold hold(const Entry& log, const std::string& name) {
  Hold held{common::Fd(::openat(log.folder(), name.c_str(),
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC))};
  held.is_taken = held.fd && ::flock(held.fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return held;
}

std::string is_in_use(const std::string& name) {
  return name + " is written to by another handler or program; give each its own path";
}

std::string move(const Entry& log, const std::string& from, const std::string& to) {
  const int error = log.rename(from, to);
  return error == 0 ? "" : common::error_text(error);
}

}  // namespace

bool Rotation::is_due(std::uint64_t size, std::chrono::nanoseconds age) const {
  if (size == 0) return false;
  return (limits_.size && size >= *limits_.size) || (limits_.age && age >= *limits_.age);
}

std::string Rotation::rotate(const Entry& log) const {
  if (limits_.keep == 0) {
    const int error = log.remove();
    return error == 0 ? "" : common::error_text(error);
  }
  unsigned free = 1;  // the first number that nobody has: those after it need not move
  std::vector<Hold> held;
  for (; free <= limits_.keep && exists(log, rotated(log, free)); ++free) {
    held.push_back(hold(log, rotated(log, free)));
    if (held.back().is_taken) return is_in_use(rotated(log, free));
  }
  for (free = std::min(free, limits_.keep); free > 1; --free)
    if (auto failure = move(log, rotated(log, free - 1), rotated(log, free)); !failure.empty())
      return failure;
  return move(log, log.name(), rotated(log, 1));
}

std::string Rotation::remove_rest(const Entry& log) const {
  const auto first = limits_.keep + 1;
  std::string trouble;
  unsigned next = first;
  for (; next - first < kRestMost && trouble.empty(); ++next) {
    const auto name = rotated(log, next);
    struct stat status {};
    if (log.status_of(name, status) != 0 || !S_ISREG(status.st_mode)) break;
    const auto held = hold(log, name);
    if (held.is_taken)
      trouble = is_in_use(name);
    else if (::unlinkat(log.folder(), name.c_str(), 0) != 0)
      trouble = "cannot delete " + name + ": " + common::error_text(errno);
  }
  if (!trouble.empty())
    return "more rotated files than keep: " + std::to_string(limits_.keep) +
           " allows stay: " + trouble;
  if (next == first) return {};
  return "deleted " + rotated(log, first) +
         (next - first > 1 ? " to " + rotated(log, next - 1) : "") + ": keep is " +
         std::to_string(limits_.keep) + " now";
}
