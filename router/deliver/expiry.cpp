// SPDX-License-Identifier: Apache-2.0
#include "deliver/expiry.h"

#include <algorithm>
#include <chrono>

#include "base/limits.h"

namespace standpipe::deliver {
namespace {

// So that a message is too old when its time is looked at.
constexpr Nanoseconds kExpiryGrain = std::chrono::milliseconds(1);

}  // namespace

std::uint32_t Expiry::fill(const DeliveryRing& deliveries, Batch& batch, Nanoseconds now,
                           Waiting& waiting) const {
  if (options_.age_max == Nanoseconds(0)) return 0;
  const auto wall = clock_.wall();
  for (const auto& delivery : deliveries.all()) {
    if (delivery->is_queued()) continue;
    const bool again = !delivery->redeliveries().empty();
    const auto head = again ? delivery->redeliveries().front().range.begin : delivery->next();
    const auto accepted = delivery->log().time_of_next(head, delivery->bit());
    if (!accepted) continue;
    if (!options_.is_too_old(*accepted, wall)) {
      const Nanoseconds age = wall - Nanoseconds(static_cast<std::int64_t>(*accepted));
      waiting.wake_by(now + std::max(options_.age_max - age, Nanoseconds(0)) + kExpiryGrain);
      continue;
    }
    batch.limit(kBatchMessages);
    if (again)
      batch.fill_redelivery(*delivery);
    else if (!batch.fill_next(*delivery))
      continue;
    std::uint32_t count = 1;
    while (count < batch.count() && options_.is_too_old(batch.time_ns(count), wall)) ++count;
    return count;
  }
  return 0;
}

}  // namespace standpipe::deliver
