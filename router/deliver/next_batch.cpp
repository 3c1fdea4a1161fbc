// SPDX-License-Identifier: Apache-2.0
#include "deliver/next_batch.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace standpipe::deliver {

NextBatch::NextBatch(const HandlerOptions& options, const HandlerNeeds& needs,
                     DeliveryRing& deliveries, const InHand& in_hand, Admit admit)
    : options_(options),
      needs_(needs),
      deliveries_(deliveries),
      in_hand_(in_hand),
      admit_(std::move(admit)),
      expiry_(options, needs.clock),
      limit_(options.timeout),
      batch_(kBatchMessages, std::min<std::uint64_t>(kBatchBytes, options.queue.bytes_in_hand())) {}

bool NextBatch::fill(Nanoseconds now, Waiting& waiting) {
  batch_.limit(static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limit_.messages(), options_.queue.messages_in_hand())));
  for (std::size_t i = 0; i < deliveries_.size(); ++i) {
    auto& delivery = deliveries_.current();
    if (!delivery.is_queued() && in_hand_.holds_back(delivery, now, waiting)) return false;
    deliveries_.pass();
    if (delivery.is_queued()) continue;
    const auto before = delivery.next();
    if (fill_from(delivery, now, waiting)) return true;
    if (waiting.for_turn) return false;
    if (before < delivery.next())
      needs_.observer.settled(delivery);  // what was skipped may be trimmed
  }
  return false;
}

bool NextBatch::fill_from(Delivery& delivery, Nanoseconds now, Waiting& waiting) {
  if (!delivery.redeliveries().empty()) {
    if (delivery.redelivery_due > now) {
      waiting.wake_by(delivery.redelivery_due);
      return false;
    }
    if (!admit_(delivery.redeliveries().front().suspect == Suspicion::alone)) return false;
    batch_.fill_redelivery(delivery);
    return true;
  }
  if (!delivery.may_have_more() || !admit_(false)) return false;
  if (batch_.fill_next(delivery)) return true;
  needs_.admission.release();
  return false;
}

std::uint32_t NextBatch::fill_expired(Nanoseconds now, Waiting& waiting) {
  return expiry_.fill(deliveries_, batch_, now, waiting);
}

bool NextBatch::fill_one(Delivery& delivery) {
  batch_.limit(1);
  if (delivery.redeliveries().empty()) return batch_.fill_next(delivery);
  batch_.fill_redelivery(delivery);
  return true;
}

}  // namespace standpipe::deliver
