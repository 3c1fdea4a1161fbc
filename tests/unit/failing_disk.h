// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace test {

// A disk that takes no byte behind `limit` of any file, while it lives: by the process's limit, so the error is EFBIG and not
// ENOSPC.
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

// For a test that defines an fdatasync of its own, which then stands in for the C library's: what it is to fail with, 0: not at
// all; and how often it was called.
struct Syncs {
  int error = 0;
  int calls = 0;
};
inline Syncs& syncs() {
  static Syncs syncs;
  return syncs;
}

}  // namespace test
