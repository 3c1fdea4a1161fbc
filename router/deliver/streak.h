// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "deliver/culprit.h"

namespace standpipe::deliver {

constexpr std::uint32_t kDeathsInARow =
    3;  // with one and the same call in progress: then it is no coincidence any more

// A call, so that it is known again when the next worker makes it.
struct CallKey {
  std::uint32_t phase = 0;
  std::uint32_t delivery =
      0;  // of a call of handle: its id, and the first message that may have been it
  std::uint64_t first = 0;
  bool operator==(const CallKey&) const = default;
};

// How many workers in a row have died with this call in progress, when nothing showed who was to
// blame.
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
// A crash or an exit of the process names its handler (CulpritMark). If it names nobody, some
// plugin did it: all calls in progress are suspects, or the only one is guilty. A signal that says
// nothing, such as SIGKILL, may have come from outside, so nobody is blamed for it, unless it
// happens repeatedly with the same call in progress: then that call is made alone, and is to blame
// for a death in which it was alone.
//
// In a child nobody else can have done it: there it is to blame from the third such death in a row.
//
// `alone`: it was a suspect, and made with no other call in progress. `streak` is what the handler
// remembers of such deaths; it is forgotten when the call comes back.
Verdict judge(const Death& death, std::size_t handler, const CallKey& call, bool alone,
              Streak& streak);

}  // namespace standpipe::deliver
