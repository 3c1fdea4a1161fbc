// SPDX-License-Identifier: Apache-2.0
#include "keeper/restart_policy.h"

#include <algorithm>

namespace standpipe::keeper {

RestartPolicy::Verdict RestartPolicy::judge(const WorkerEnd& end,
                                            std::optional<std::uint64_t> progress,
                                            bool stop_is_wanted) {
  const bool could_not_begin = !ever_ready_ && (workers_ == 1 || !progress);
  if (end.damaged) return Verdict::damaged;
  if (end.meant && (end.stopping || could_not_begin)) return Verdict::pass_on;
  if (end.retires && progress) return Verdict::next;
  if (end.stood_still) return Verdict::save;
  if (end.status && stop_is_wanted && !ever_ready_ && !progress)
    return Verdict::pass_on;  // nothing was begun
  count_death(end, progress.value_or(progress_));
  return deaths_ < kDeathsWithoutProgressMax ? Verdict::again : Verdict::without_progress;
}

// What dies of a configuration that it tries says nothing of the one before, which is next.
void RestartPolicy::count_death(const WorkerEnd& end, std::uint64_t progress) {
  const bool served_long = end.served && *end.served >= kServedLong;
  const bool progressed = progress != progress_ || served_long;
  if (!end.tried) deaths_ = progressed ? 1 : deaths_ + 1;
  progress_ = progress;
}

Nanoseconds RestartPolicy::pause() const {
  const int doublings = std::min(deaths_ - 2, kDoublingsMax);
  if (doublings < 0) return Nanoseconds(0);
  return std::min(pause_ * (1 << doublings), pause_ * kPauseMax);
}

}  // namespace standpipe::keeper
