// SPDX-License-Identifier: Apache-2.0
//
// standpipe/outcome.hpp: what a handler says about a message, by returning or by throwing. See
// plugin.hpp for what each of them means. Part of plugin.hpp.
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <stdexcept>

namespace standpipe {

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

}  // namespace standpipe
