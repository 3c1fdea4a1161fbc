// SPDX-License-Identifier: Apache-2.0
#include "deliver/in_hand.h"

#include "base/limits.h"

namespace standpipe::deliver {

bool InHand::holds_back(const Delivery& delivery, Nanoseconds now, Waiting& waiting) const {
  const bool has_some =
      delivery.redeliveries().empty() ? delivery.may_have_more() : delivery.redelivery_due <= now;
  if (!has_some || (host_.pending() == 0 && taken_.empty())) return false;
  if (taken_.is_full()) return true;
  const bool waits = !has_room_for_return(delivery) || is_enough(delivery);
  waiting.for_output = waits && host_.pending() > 0;
  return waits;
}

bool InHand::has_room_for_return(const Delivery& delivery) const {
  return host_.pending() + taken_.messages() + delivery.redeliveries().size() +
             2 * kBatchMessages <=
         Redeliveries::kMax;
}

// What an output has cannot be dropped, so of a queue that drops it gets only a part at a time.
bool InHand::is_enough(const Delivery& delivery) const {
  if (!options_.queue.drops() || delivery.open().empty()) return false;
  std::uint64_t messages = 0;
  for (const auto& range : delivery.open()) messages += range.count;
  for (std::size_t i = 0; i < delivery.redeliveries().size(); ++i)
    messages -= delivery.redeliveries()[i].range.count;
  const auto bytes = delivery.next().position - delivery.settled().position;
  return messages >= options_.queue.messages_in_hand() ||
         (messages > 0 && bytes >= options_.queue.bytes_in_hand());
}

}  // namespace standpipe::deliver
