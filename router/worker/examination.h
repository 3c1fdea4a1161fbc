// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parts.h"
#include "keeper/program.h"

namespace standpipe::worker {

// A child that reads the configuration as it is on the disk now, and the plugins that it names, and
// says whether a worker could begin with it. A child, because a plugin may crash, hang or take long
// while it is asked what it is, and the hub goes on meanwhile. It ends with this object, and with
// this process.
//
// It is the program again: `arguments`, then "--examine FILE,RUNNING", two inherited descriptors:
// where it writes what it found (Parts), and the configuration in force (Parts, too).
class Examination {
 public:
  static constexpr Nanoseconds kMost = std::chrono::seconds(30);

  // Throws Failure.
  Examination(const keeper::Program& program, std::vector<std::string> arguments, int running,
              Nanoseconds now);
  ~Examination();
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;

  // For epoll: readable when it has ended.
  int fd() const { return process_.get(); }
  Nanoseconds deadline() const { return deadline_; }
  // After its end: what it found. Throws Failure, with how it ended, when it found nothing.
  Parts result();

 private:
  void reap();

  Nanoseconds deadline_;
  Fd found_;
  pid_t pid_ = 0;
  Fd process_;  // a pidfd
  std::optional<int> status_;
};

}  // namespace standpipe::worker
