// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace test {

// A disk that takes no byte after `limit` of any file, while it lives: by the process's limit, so
// the error is EFBIG and not ENOSPC.
class FullDisk {
 public:
  explicit FullDisk(rlim_t limit) {
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit tight{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// The process has all the descriptors that it may have, while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

// For a test that defines an fdatasync of its own, which then stands in for the C library's: what
// it is to fail with, 0: not at all; and how often it was called.
struct Syncs {
  std::atomic<int> error = 0, calls = 0;  // files are synced by several threads at once

  void reset() { error = calls = 0; }
};
inline Syncs& syncs() {
  static Syncs syncs;
  return syncs;
}

// The same for pwritev and ftruncate.
struct Writes {
  int error = 0;                           // what pwritev fails with
  std::uint64_t taken = 0;                 // after it took so many bytes
  std::uint64_t most = ~std::uint64_t{0};  // bytes that one call takes, of the first part
  int cut_error = 0;                       // what ftruncate fails with
  std::uint64_t bytes = 0;                 // that were written in all
};
inline Writes& writes() {
  static Writes writes;
  return writes;
}

// What a test's own pwritev and ftruncate do.
inline ssize_t injected_pwritev(int fd, const iovec* parts, int count, off_t offset) {
  auto& w = writes();
  if (w.error && w.taken == 0) {
    errno = w.error;
    return -1;
  }
  auto most = w.error ? std::min(w.most, w.taken) : w.most;
  ssize_t total = 0;
  for (int i = 0; i < count && most > 0; ++i) {
    const auto bytes = std::min<std::uint64_t>(parts[i].iov_len, most);
    const auto n = ::pwrite(fd, parts[i].iov_base, bytes, offset + total);
    if (n < 0) return total > 0 ? total : -1;
    total += n;
    most -= static_cast<std::uint64_t>(n);
    if (static_cast<std::uint64_t>(n) < parts[i].iov_len) break;
  }
  w.bytes += static_cast<std::uint64_t>(total);
  if (w.error) w.taken -= static_cast<std::uint64_t>(total);
  return total;
}
inline int injected_ftruncate(int fd, off_t bytes) {
  if (!writes().cut_error) return static_cast<int>(::syscall(SYS_ftruncate, fd, bytes));
  errno = writes().cut_error;
  return -1;
}

}  // namespace test
