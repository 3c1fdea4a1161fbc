// SPDX-License-Identifier: Apache-2.0
#include "cli/worker_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/failure.h"

namespace standpipe::cli {
namespace {

// Opens and creates in turn, because O_CREAT on somebody else's file in a shared folder is refused
// (fs.protected_regular).
Fd open_or_create(const std::string& path, const struct stat& fifo) {
  for (int turn = 0; turn < 10; ++turn) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd || errno != ENOENT) return fd;
    fd.reset(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd) {
      (void)!::fchown(fd.get(), fifo.st_uid,
                      fifo.st_gid);  // only root can; others made the FIFO themselves, mostly
      (void)::fchmod(fd.get(), 0600 | (fifo.st_mode & 0044));
      return fd;
    }
    if (errno != EEXIST) return fd;
  }
  return Fd();
}

}  // namespace

WorkerLock::WorkerLock(const std::string& fifo_path, int fifo_fd) {
  const auto path = fifo_path + ".lock";
  struct stat fifo {};
  if (::fstat(fifo_fd, &fifo) != 0) throw Failure::system("look at " + fifo_path, errno);
  fd_ = open_or_create(path, fifo);
  if (!fd_)
    throw Failure::system("open the workers' lock " + path, errno,
                          "whoever shares the FIFO must be able to read that file");
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0 || !S_ISREG(st.st_mode))
    throw Failure(path + " is not a regular file, so it cannot be the workers' lock", "mv it away");
}

Waited WorkerLock::lock(Interruption& interruption, Deadline deadline) {
  const auto waited = lock_exclusively(fd_.get(), interruption, deadline);
  held_ = waited == Waited::ready;
  return waited;
}

void WorkerLock::give_back() {
  if (held_) ::flock(fd_.get(), LOCK_UN);
  held_ = false;
}

}  // namespace standpipe::cli
