// SPDX-License-Identifier: Apache-2.0
#include "common/left_out.h"

#include <string>

namespace common {

void LeftOut::add(std::string_view why) {
  ++count_;
  const auto now = Clock::now();
  if (now < quiet_until_) return;
  quiet_until_ = now + std::chrono::seconds(10);
  host_.error(
      "left out: " + std::string(why) +
      (count_ > 1 ? " (" + std::to_string(count_) + " messages since the last report)" : ""));
  count_ = 0;
}

}  // namespace common
