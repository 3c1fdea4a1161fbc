// SPDX-License-Identifier: Apache-2.0
#include "worker/delivery_table.h"

#include <catch2/catch.hpp>
#include <cstddef>

#include "deliver/delivery.h"
#include "state/memory.h"

using namespace standpipe;

namespace {

// The table knows nothing of a delivery but which one it is.
alignas(deliver::Delivery) std::byte places[2][sizeof(deliver::Delivery)];
deliver::Delivery& delivery(std::size_t i) {
  return reinterpret_cast<deliver::Delivery&>(places[i]);
}

}  // namespace

TEST_CASE("a delivery is found by its slot, whatever the order in which they were added") {
  worker::DeliveryTable table;
  table.add(5, delivery(0), 0);
  table.add(2, delivery(1), 0);
  CHECK(&table.delivery_with(5) == &delivery(0));
  CHECK(&table.delivery_with(2) == &delivery(1));
  CHECK(table.all() == std::vector<deliver::Delivery*>{&delivery(0), &delivery(1)});
}

TEST_CASE("a slot of no delivery is damage, and not a crash") {
  worker::DeliveryTable table;
  table.add(2, delivery(0), 0);
  CHECK_THROWS_AS(table.delivery_with(1), state::Memory::Damaged);
  CHECK_THROWS_AS(table.delivery_with(3), state::Memory::Damaged);
}
