// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace standpipe::deliver {

// Where a handler stands, for people and programs who ask.
struct HandlerState {
  std::string_view name = "ready";  // opening, ready, retrying, held, closed
  std::string reason = {};          // of all but ready and closed, as far as somebody gave one
  std::string_view phase = {};      // of the call that its plugin is in: open, handle, flush, close
                                    // ...; empty: it is in none
  Nanoseconds in_call{0};           // since when
  std::uint64_t taken = 0;          // messages that its plugin took and has not settled yet
  Nanoseconds oldest_taken{0};      // how long ago it took the first of them
};

// A handler that takes nothing, and nobody knows for how long. no_letters: what it refuses cannot
// be kept.
struct Absence {
  enum class Kind { held, disconnected, no_reader, no_letters };
  Kind kind = Kind::held;
  Nanoseconds since{0};  // 0: a person has to act, so there is nothing to be waited for
  std::string why = {};  // "is held (reason)"
};

}  // namespace standpipe::deliver
