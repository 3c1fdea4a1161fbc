// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "deliver/culprit.h"

namespace standpipe::deliver {

constexpr std::uint32_t kDeathsInARow = 3;  // with one and the same call in progress: then it is no coincidence any more

// A call, so that it is known again when the next worker makes it.
struct CallKey {
  std::uint32_t phase = 0;
  std::uint32_t delivery = 0;  // of a call of handle: its id, and the first message that may have been it
  std::uint64_t first = 0;
  bool operator==(const CallKey&) const = default;
};

// How many workers have ended, one after the other, with this call in progress, when nothing said whose doing it was.
struct Streak {
  CallKey call;
  std::uint64_t deaths = 0;
};

enum class Verdict {
  innocent,  // as far as is known
  suspect,   // it may have been, and so may others: it is to be made with no other call in progress
  guilty,    // of this death
};

// Whether a call that was in progress is to blame for the worker's death.
//
// A crash or an end of the process names its handler (CulpritMark). One that names nobody is some plugin's doing: all calls in
// progress are suspects, or guilty if there was one only. A signal that says nothing, such as SIGKILL, may have come from outside,
// and nobody is blamed for it, unless it happens again and again with the same call in progress: then that call is made alone, and
// a death in which it was alone is its doing.
//
// `alone`: it was a suspect, and made with no other call in progress. `streak` is what the handler remembers of such deaths; it is
// forgotten when the call comes back.
Verdict judge(const Death& death, std::size_t handler, const CallKey& call, bool alone, Streak& streak);

}  // namespace standpipe::deliver
