// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/failure.h"

namespace standpipe {

Pipe Pipe::make(std::size_t wanted) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    throw Failure::system("make a pipe", errno, "raise the limit of open files: ulimit -n");
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  pipe.capacity = grow_pipe(pipe.write_end.get(), wanted);
  return pipe;
}

std::size_t bytes_waiting(int fd) {
  int n = 0;
  if (::ioctl(fd, FIONREAD, &n) != 0 || n < 0) return 0;
  return static_cast<std::size_t>(n);
}

std::size_t grow_pipe(int fd, std::size_t wanted) {
  const int now = ::fcntl(fd, F_GETPIPE_SZ);
  if (now < 0) return 0;
  if (static_cast<std::size_t>(now) >= wanted) return static_cast<std::size_t>(now);
  constexpr std::size_t most = std::numeric_limits<int>::max();
  const int grown = ::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(std::min(wanted, most)));
  return static_cast<std::size_t>(grown > 0 ? grown : now);
}

}  // namespace standpipe
