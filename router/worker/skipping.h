// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "state/persistent.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"

namespace standpipe::worker {

// The rest of a frame that was abandoned: exactly that is discarded when it comes, and after it the
// stream makes sense again. (Where it does not: worker/discarding.h.)
class Skipping {
 public:
  // What outlives the worker.
  struct State {
    std::uint64_t bytes;  // still to come
  };

  Skipping(FifoStream& stream, state::Persistent<State> state) : stream_(stream), state_(state) {}

  bool active() const { return state_->bytes > 0; }
  std::uint64_t bytes() const { return state_->bytes; }
  void begin(std::uint64_t bytes) { state_.edit().bytes = bytes; }
  // Its writer has gone, so the rest never comes.
  void end();
  // The caller commits.
  source::Accepted turn(Intake& intake, StageHook* hook = nullptr);
  // That many bytes of it came, and are gone.
  void passed(Intake& intake, std::size_t bytes);

 private:
  FifoStream& stream_;
  state::Persistent<State> state_;
};

}  // namespace standpipe::worker
