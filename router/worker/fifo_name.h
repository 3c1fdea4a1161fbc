// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "source/fifo_source.h"
#include "worker/fifo_stream.h"
#include "worker/source_state.h"

namespace standpipe::worker {

// Whether a source's path still leads to the FIFO that is read. When it does not, that FIFO is read
// to its end, writers that have it open are served until they close, and then it is made again, or
// what is at the path now is opened.
class FifoName {
 public:
  FifoName(FifoStream& stream, const Clock& clock, Reporter& reporter)
      : stream_(stream), clock_(clock), reporter_(reporter) {}

  // Looks, and says when that changed. If false, a turn is due, to see whether the FIFO was read to
  // its end.
  bool is_reachable();
  // A worker with this configuration begins, and an earlier one may have had the FIFO elsewhere:
  // then a FIFO is made here already, and opened when the writers of the other have left. Throws
  // Failure when it cannot be made. true: so it is.
  bool has_moved();
  // Its writers have gone, and all that they wrote was read.
  void writers_left() { wants_fifo_ = !is_reachable(); }
  // It is time to make it, or to open what is there now.
  bool wants_fifo() const { return wants_fifo_; }
  // Throws Failure, also what `admit` throws when it is shown the new one. Returns the one that was
  // read until now, still open.
  source::FifoSource reopen(const std::function<void(const source::FifoSource&)>& admit = {});
  // Says so, once.
  void cannot_reopen(const Failure& failure);
  SourceState state() const;

 private:
  FifoStream& stream_;
  const Clock& clock_;
  Reporter& reporter_;
  SourceState state_;  // its `since` is of the steady clock
  bool wants_fifo_ = false;
};

}  // namespace standpipe::worker
