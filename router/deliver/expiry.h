// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/delivery_ring.h"
#include "deliver/options.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// Finds messages that are too old (`max_age`) before their handler is given them: what is next of
// each of its deliveries, also while its plugin cannot be reached.
class Expiry {
 public:
  // Both must outlive it.
  Expiry(const HandlerOptions& options, const Clock& clock) : options_(options), clock_(clock) {}

  // Fills the batch with what comes next in a delivery of which the first message is too old.
  // Returns how many of its first messages are; 0: none is, the batch has nothing to be handled,
  // and `waiting` says when the next one may be.
  std::uint32_t fill(const DeliveryRing& deliveries, Batch& batch, Nanoseconds now,
                     Waiting& waiting) const;

 private:
  const HandlerOptions& options_;
  const Clock& clock_;
};

}  // namespace standpipe::deliver
