// SPDX-License-Identifier: Apache-2.0
#include "deliver/streak.h"

namespace standpipe::deliver {

Verdict judge(const Death& death, std::size_t handler, const CallKey& call, bool alone,
              Streak& streak) {
  if (death.names(handler)) return Verdict::guilty;
  const bool only_one = death.calls() == 1;
  if (death.is_unnamed()) return only_one ? Verdict::guilty : Verdict::suspect;
  if (!death.says_nothing()) return Verdict::innocent;
  if (alone && only_one && !death.is_childs()) return Verdict::guilty;
  streak.deaths = streak.call == call ? streak.deaths + 1 : 1;
  streak.call = call;
  if (streak.deaths < kDeathsInARow) return Verdict::innocent;
  if (death.is_childs()) return Verdict::guilty;  // from now on, until it comes back
  streak = {};
  return Verdict::suspect;
}

}  // namespace standpipe::deliver
