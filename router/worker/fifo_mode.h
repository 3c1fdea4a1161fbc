// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "state/persistent.h"
#include "worker/fifo_stream.h"

namespace standpipe::worker {

// Whether somebody new can open a source's FIFO, by its mode (source/gate.h): plan -> close ->
// open. Those who have it open continue. The mode is known before it is changed, so that a user's
// own is put back, whoever dies. Each of these commits; where this hub may not change the mode they
// do nothing.
class FifoMode {
 public:
  // What outlives the worker.
  struct State {
    std::uint32_t closed;
    std::uint32_t mode;  // before that
  };

  FifoMode(FifoStream& stream, state::Memory& memory, state::Persistent<State> state)
      : stream_(stream), memory_(memory), state_(state) {}

  void plan_to_close();
  void close();
  void open();
  // The mode that it had, if it is closed, or is about to be.
  std::optional<unsigned> before() const;

 private:
  FifoStream& stream_;
  state::Memory& memory_;
  state::Persistent<State> state_;
};

}  // namespace standpipe::worker
