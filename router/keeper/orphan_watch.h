// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/reporter.h"
#include "keeper/link.h"
#include "keeper/program.h"

namespace standpipe::keeper {

// A thread of the worker that sleeps until the keeper is dead. From then on nobody would kill a
// worker whose plugin does not return, and what is in its memory would wait for ever. So when the
// loop makes no progress for kStandStillMost, the process becomes the worker that only saves: exec
// ends the other threads, whatever they are doing, and leaves open what the keeper had. Saving may
// take as long as disks do, so it is never ended automatically; but after kSavingLong a plain
// `kill` ends it. Not earlier: a service manager sends SIGTERM at once to everything that the
// keeper left.
class OrphanWatch {
 public:
  static constexpr Nanoseconds kStandStillMost = std::chrono::seconds(5);
  static constexpr Nanoseconds kSavingLong = std::chrono::seconds(5);

  // All that are referred to outlive it. `arguments`: of the worker that only saves; none: it is
  // that already. Throws Failure.
  OrphanWatch(const Link& link, std::vector<std::string> arguments, const Clock& clock,
              Reporter& reporter);
  ~OrphanWatch();
  OrphanWatch(const OrphanWatch&) = delete;
  OrphanWatch& operator=(const OrphanWatch&) = delete;

 private:
  bool add(int fd, std::uint32_t events) const;
  void watch();
  bool waits_for_keepers_death() const;
  bool waits_for_end(Nanoseconds most) const;
  bool saves() const;
  void obey_kill();
  void replace();

  const Link& link_;
  std::vector<std::string> arguments_;
  const Clock& clock_;
  Reporter& reporter_;
  Program program_;
  Fd end_;   // eventfd: this object is being destroyed
  Fd both_;  // epoll, of that and of the link
  std::thread thread_;
};

}  // namespace standpipe::keeper
