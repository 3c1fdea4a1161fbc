// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "deliver/delivery.h"
#include "deliver/output.h"

namespace test {

// Gives all that waits in the delivery to the output, as a handler does that sends everything.
inline void give_all(standpipe::deliver::Delivery& delivery, standpipe::deliver::Output& output) {
  auto at = delivery.next();
  while (const auto piece = delivery.log().read(at, delivery.bit())) {
    const standpipe::deliver::Range range{piece->begin, piece->end, piece->count};
    delivery.give_out(range);
    output.send(delivery, range, piece->bytes.size());
    at = piece->end;
  }
  delivery.log().keeping().commit();
}

}  // namespace test
