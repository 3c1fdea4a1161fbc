// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// How many descriptors a hub may need, at most: known before it starts, so that nobody finds out in the night.
namespace standpipe {

// What a keeper holds for its workers. Far more than a system lets a process have by default, and a bound all the same: a worker
// gone wild must not take all there are.
constexpr std::size_t kKeptMost = 65'536;

struct OpenFiles {
  std::size_t worker = 0;  // open in a worker
  std::size_t kept = 0;    // of these, held by the keeper too

  static OpenFiles needed_for(std::size_t sources, std::size_t handlers);
};

std::uint64_t open_files_limit();  // the hard one: a hub raises the soft one to it
void raise_open_files_limit();

}  // namespace standpipe
