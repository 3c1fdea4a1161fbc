// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace standpipe::state {

// What an earlier worker left is inconsistent, so nobody can continue with it.
struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace standpipe::state
