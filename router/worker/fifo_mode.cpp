// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_mode.h"

#include "source/gate.h"

namespace standpipe::worker {

void FifoMode::plan_to_close() {
  if (state_->closed) return;
  const auto mode = source::mode_of(stream_.fifo().fd());
  if (!mode) return;
  state_.edit() = {.closed = 1, .mode = *mode};
  memory_.commit();
}

void FifoMode::close() {
  if (!state_->closed || source::set_mode(stream_.fifo().fd(), 0)) return;
  state_.edit().closed = 0;
  memory_.commit();
}

void FifoMode::open() {
  if (!state_->closed) return;
  (void)source::set_mode(stream_.fifo().fd(), state_->mode);
  state_.edit().closed = 0;
  memory_.commit();
}

std::optional<unsigned> FifoMode::before() const {
  if (!state_->closed) return std::nullopt;
  return state_->mode;
}

}  // namespace standpipe::worker
