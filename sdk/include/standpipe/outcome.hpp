// SPDX-License-Identifier: Apache-2.0
//
// standpipe/outcome.hpp: what a handler says about a message, by returning or by throwing. See
// plugin.hpp for what each of them means. Part of plugin.hpp.
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <stdexcept>

namespace standpipe {

namespace detail {
// There is no room for what is emitted of message `of`. Thrown through handle, which ends there
// until there is room. It is no std::exception, so that a plugin which catches those does not take
// it for a failure.
struct NoRoom {
  std::uint32_t of = 0;
};
}  // namespace detail

struct reject : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct retry : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct disconnected : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct fatal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Outcome : std::uint8_t {
  delivered = STANDPIPE_DELIVERED,
  retry = STANDPIPE_RETRY,
  reject = STANDPIPE_REJECT,
  filtered = STANDPIPE_FILTERED,
  // The handler settles it later, by Host::settle. Its description says so (settles_later).
  taken = STANDPIPE_TAKEN,
};

// What becomes of a message that a plugin emits or puts.
enum class Put : std::uint32_t {
  ok = STANDPIPE_PUT_OK,               // the router has copied it
  full = STANDPIPE_PUT_FULL,           // there is no room now, and nothing was taken
  too_large = STANDPIPE_PUT_TOO_LARGE  // payload or metadata are above their limits: it never fits
};

}  // namespace standpipe
