// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "deliver/delivery.h"
#include "deliver/send_queue.h"
#include "worker/handler_queue.h"

namespace standpipe::worker {

// All deliveries of the hub. Their handlers own them; all that outlives the worker names them by
// their slots (state/directory.h).
class DeliveryTable final : public deliver::Senders {
 public:
  // `handler`: its number.
  void add(std::uint32_t slot, deliver::Delivery& delivery, std::size_t handler);
  // Throws state::Memory::Damaged when nobody has that slot: what an earlier worker left names it.
  deliver::Delivery& delivery_with(std::uint32_t slot) override;
  void returned(deliver::Delivery& delivery) override;
  std::size_t handler_with(std::uint32_t slot) const { return by_slot_[slot].handler; }
  // Handlers that can advance: a message that came back is one more reason to.
  HandlerQueue& queue() { return queue_; }
  // In the order in which they were added.
  const std::vector<deliver::Delivery*>& all() const { return all_; }

 private:
  struct Slot {
    deliver::Delivery* delivery = nullptr;  // none: nobody has that slot
    std::size_t handler = 0;
  };

  HandlerQueue queue_;
  std::vector<deliver::Delivery*> all_;
  std::vector<Slot> by_slot_;
};

}  // namespace standpipe::worker
