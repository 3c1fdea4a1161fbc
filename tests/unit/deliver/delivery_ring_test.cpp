// SPDX-License-Identifier: Apache-2.0
#include "deliver/delivery_ring.h"

#include <catch2/catch.hpp>

#include "deliver/batch.h"
#include "one_delivery.h"

using namespace standpipe;

TEST_CASE("deliveries have their turn one after the other, round and round") {
  test::OneDelivery one;
  deliver::DeliveryRing ring;
  auto& a = ring.add(std::make_unique<deliver::Delivery>("in", "a", 1, one.log, 0));
  auto& b = ring.add(std::make_unique<deliver::Delivery>("in", "b", 2, one.log, 1));
  CHECK(&ring.current() == &a);
  ring.pass();
  CHECK(&ring.current() == &b);
  ring.pass();
  CHECK(&ring.current() == &a);
}

TEST_CASE(
    "a ring has more while something is new or to be redelivered, and is drained when all is "
    "final") {
  test::OneDelivery one;
  deliver::DeliveryRing ring;
  auto& delivery = ring.add(std::make_unique<deliver::Delivery>("in", "a", 1, one.log, 0));
  CHECK_FALSE(ring.has_more());
  CHECK(ring.drained());
  one.append("x");
  CHECK(ring.has_more());
  CHECK_FALSE(ring.drained());
  deliver::Batch batch(1, 100);
  batch.fill_next(delivery);
  CHECK_FALSE(ring.has_more());
  CHECK_FALSE(ring.drained());
  delivery.redeliver({batch.range(0, 1)}, {});
  CHECK(ring.has_more());
  delivery.redeliveries().pop_front();
  delivery.finish(batch.range(0, 1));
  CHECK(ring.drained());
}
