// SPDX-License-Identifier: Apache-2.0
#include "deliver/run_sender.h"

#include <algorithm>

#include "base/limits.h"
#include "deliver/range_head.h"

namespace standpipe::deliver {

bool RunSender::send(Nanoseconds now, Waiting& waiting) {
  bool sent = false;
  for (std::size_t i = 0; i < deliveries_.size() && !sent; ++i) {
    auto& delivery = deliveries_.current();
    if (!delivery.is_queued() && in_hand_.holds_back(delivery, now, waiting)) break;
    deliveries_.pass();
    if (delivery.is_queued()) continue;
    const auto before = delivery.next();
    sent = delivery.redeliveries().empty() ? send_next(delivery)
                                           : send_redelivery(delivery, now, waiting);
    needs_.memory.commit();
    if (!sent && before < delivery.next())
      needs_.observer.settled(delivery);  // what was skipped may be trimmed
  }
  return sent;
}

bool RunSender::send_redelivery(Delivery& delivery, Nanoseconds now, Waiting& waiting) {
  if (delivery.redelivery_due > now) {
    waiting.wake_by(delivery.redelivery_due);
    return false;
  }
  const auto range = delivery.redeliveries().front().range;
  const auto head = range_head(delivery, range, host_.granted());
  if (head.range.count == range.count)
    delivery.redeliveries().pop_front();
  else
    delivery.redeliveries().edit(0).range = {head.range.end, range.end,
                                             range.count - head.range.count};
  settlement_.send(host_.sends_all_to(), delivery, head.range, head.bytes);
  return true;
}

bool RunSender::send_next(Delivery& delivery) {
  Range range;
  std::uint64_t bytes = 0;
  const auto granted = std::min(host_.granted(), options_.queue.bytes_in_hand());
  const auto most = options_.queue.messages_in_hand();
  auto at = delivery.next();
  delivery.log().read_each(at, delivery.bit(), [&](const log::Piece& piece) {
    if (bytes == 0) range.begin = piece.begin;
    range.end = piece.end;
    range.count += piece.count;
    bytes += piece.bytes.size();
    return bytes < std::min<std::uint64_t>(kBatchBytes, granted);
  });
  if (bytes == 0) {
    delivery.skip_unwanted();
    return false;
  }
  if (bytes > granted || range.count > most) {
    const auto head = range_head(delivery, range, granted, most);
    range = head.range;
    bytes = head.bytes;
  }
  delivery.give_out(range);
  settlement_.send(host_.sends_all_to(), delivery, range, bytes);
  return true;
}

}  // namespace standpipe::deliver
