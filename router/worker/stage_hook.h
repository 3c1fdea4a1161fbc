// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace standpipe::worker {

// Who acts while a turn's bytes lie in the stage: a relay sends them on from there, a stop seals
// the FIFO before a writer that the splice woke is back.
class StageHook {
 public:
  virtual ~StageHook() = default;
  // At once after the splice.
  virtual void in_stage(std::size_t bytes) = 0;
  // The stage is empty again; what it held is not committed yet. `whole`: it came in one piece.
  virtual void out_of_stage(bool whole) = 0;
};

}  // namespace standpipe::worker
