// SPDX-License-Identifier: Apache-2.0
#pragma once

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
};

}  // namespace standpipe::deliver
