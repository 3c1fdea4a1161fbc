// SPDX-License-Identifier: Apache-2.0
#include "worker/delivery_table.h"

#include "state/memory.h"

namespace standpipe::worker {

void DeliveryTable::add(std::uint32_t slot, deliver::Delivery& delivery, std::size_t handler) {
  all_.push_back(&delivery);
  if (by_slot_.size() <= slot) by_slot_.resize(slot + 1);
  by_slot_[slot] = {&delivery, handler};
}

deliver::Delivery& DeliveryTable::delivery_with(std::uint32_t slot) {
  if (slot >= by_slot_.size() || !by_slot_[slot].delivery)
    throw state::Memory::Damaged("it names a delivery that does not exist");
  return *by_slot_[slot].delivery;
}

void DeliveryTable::returned(deliver::Delivery& delivery) {
  queue_.add(by_slot_[delivery.id()].handler);
}

}  // namespace standpipe::worker
