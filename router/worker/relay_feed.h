// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "deliver/output.h"
#include "deliver/relay.h"
#include "worker/fifo_feed.h"

namespace standpipe::worker {

// Decorates the feed of a FIFO: what comes into the log is also relayed to an output
// (deliver/relay.h), from the stage in which it lies for a moment. Without a relay it is the FIFO's
// feed.
class RelayFeed final : public Feed {
 public:
  explicit RelayFeed(FifoFeed& fifo) : fifo_(fifo) {}

  // From the next turn on; either of them none: not now.
  void relay(deliver::Relay* relay, deliver::Output* output) { relay_ = relay, output_ = output; }

  void recover(Intake& intake) override { fifo_.recover(intake); }
  Turn feed(Intake& intake) override;
  void passed(log::Position trimmed) override { fifo_.passed(trimmed); }

 private:
  FifoFeed& fifo_;
  deliver::Relay* relay_ = nullptr;
  deliver::Output* output_ = nullptr;
};

}  // namespace standpipe::worker
