// SPDX-License-Identifier: Apache-2.0
#include "base/open_files.h"

#include <sys/resource.h>

#include "base/limits.h"

namespace standpipe {
namespace {

constexpr std::size_t kBesides =
    35 + kControlClientsMax;  // standard streams, epoll, stage, memory ...
constexpr std::size_t kAnOutput =
    4;  // its FIFO, both ends of its stage, and one while a dead reader left bytes in it
constexpr std::size_t kKeptAnOutput = 3;
constexpr std::size_t kAHandler = 2;  // a plugin's own: a file, and another while it rotates
constexpr std::size_t kASourcePlugin =
    3;  // the memory of what it makes, what ends its poll, and one of the plugin's own
constexpr std::size_t kKeptBesides =
    16;  // memory, stage, lock, configuration, control socket, account ...

}  // namespace

OpenFiles OpenFiles::needed_for(std::size_t sources, std::size_t handlers,
                                std::size_t source_plugins) {
  return {sources + handlers * (kAnOutput + kAHandler) + source_plugins * kASourcePlugin + kBesides,
          sources + handlers * kKeptAnOutput + kKeptBesides};
}

std::uint64_t open_files_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : UINT64_MAX;
}

void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace standpipe
