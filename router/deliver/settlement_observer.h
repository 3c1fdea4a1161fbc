// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace standpipe::deliver {

class Delivery;

// Learns that messages of a delivery became final, so that its log may be trimmed.
class SettlementObserver {
 public:
  virtual void settled(Delivery& delivery) = 0;

 protected:
  ~SettlementObserver() = default;
};

}  // namespace standpipe::deliver
