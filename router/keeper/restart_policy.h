// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace standpipe::keeper {

// How a worker ended, as its keeper saw it.
struct WorkerEnd {
  std::optional<int> status = {};          // none: it could not even be started
  std::optional<int> meant = {};           // what it announced; none: it is a death
  bool damaged = false;                    // it said that of the memory
  bool stopping = false;                   // it said so: everything is saved
  bool stood_still = false;                // when it was to stop, so it was killed
  bool retires = false;                    // it said so: what it tried cannot be had
  bool tried = false;                      // a configuration that was never ready
  std::optional<Nanoseconds> served = {};  // since it was ready; none: it never was
};

// Decides what follows the end of a worker:
//
//   an end is meant     The worker announced it over its socket, before any worker was ready or
//                       after everything was saved. Its status is passed on.
//   it retires          What it tried cannot be had (a reload). The next one is started at once.
//   an end is a death   Anything else, whatever the status. Another worker is started, after a
//                       longer pause each time that no progress was made. After
//                       kDeathsWithoutProgressMax of them the keeper gives up, and what waits is
//                       spilled.
class RestartPolicy {
 public:
  static constexpr int kDeathsWithoutProgressMax = 10;
  // A worker that ran this long does not count as a death without progress, even if it had nothing
  // to do.
  static constexpr Nanoseconds kServedLong = std::chrono::seconds(10);
  static constexpr int kDoublingsMax = 10;
  static constexpr int kPauseMax = 40;  // times the first one

  enum class Verdict { pass_on, again, without_progress, damaged, save, next };

  // `pause`: before the second restart without progress; then twice as long each.
  explicit RestartPolicy(Nanoseconds pause) : pause_(pause) {}

  void count_start() { ++workers_; }
  bool has_started() const { return workers_ > 0; }
  void count_ready() { ever_ready_ = true; }
  bool was_ever_ready() const { return ever_ready_; }

  // `progress`: what the memory says of it; none: there is no memory. A death is counted.
  Verdict judge(const WorkerEnd& end, std::optional<std::uint64_t> progress, bool stop_is_wanted);
  static constexpr bool is_death(Verdict verdict) {
    return verdict == Verdict::again || verdict == Verdict::without_progress;
  }
  int deaths_without_progress() const { return deaths_; }
  // Before the next worker is started.
  Nanoseconds pause() const;

 private:
  void count_death(const WorkerEnd& end, std::uint64_t progress);

  Nanoseconds pause_;
  bool ever_ready_ = false;
  unsigned workers_ = 0;
  int deaths_ = 0;              // without progress, one after the other
  std::uint64_t progress_ = 0;  // at the last death
};

}  // namespace standpipe::keeper
