// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/batch_limit.h"
#include "deliver/delivery_ring.h"
#include "deliver/expiry.h"
#include "deliver/handler_needs.h"
#include "deliver/in_hand.h"
#include "deliver/options.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// Chooses which messages a handler is given next, and how many: of its deliveries in turn, of each
// what is to be redelivered before what is new, and of a plugin with a time limit no more than it
// has shown to handle in time. The batch is the one of the call in progress.
class NextBatch {
 public:
  // Whether a call may be made now; `alone`: with no other in progress. If not, `waiting` says so.
  using Admit = std::function<bool(bool alone)>;
  // All must outlive it.
  NextBatch(const HandlerOptions& options, const HandlerNeeds& needs, DeliveryRing& deliveries,
            const InHand& in_hand, Admit admit);

  Batch& batch() { return batch_; }
  const Batch& batch() const { return batch_; }

  // false: there is nothing now, or it is not admitted. Not committed: cursors may have passed what
  // is for others.
  bool fill(Nanoseconds now, Waiting& waiting);
  // With messages that are too old before they are given (expiry.h); 0: there are none.
  std::uint32_t fill_expired(Nanoseconds now, Waiting& waiting);
  // With the next message of that delivery alone, for who skips it. false: there is none.
  bool fill_one(Delivery& delivery);

  // A call with the batch took so long.
  void took(Nanoseconds time) { limit_.took(batch_.count(), time); }
  // Its process died of it: what is known of its pace is so no more.
  void died() { limit_ = BatchLimit(options_.timeout); }

 private:
  bool fill_from(Delivery& delivery, Nanoseconds now, Waiting& waiting);

  const HandlerOptions& options_;
  const HandlerNeeds& needs_;
  DeliveryRing& deliveries_;
  const InHand& in_hand_;
  Admit admit_;
  Expiry expiry_;
  BatchLimit limit_;
  Batch batch_;
};

}  // namespace standpipe::deliver
