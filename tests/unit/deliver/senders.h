// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "deliver/output.h"

namespace test {

// The deliveries of a test, as an output asks for them, and what it is told of them.
class Senders final : public standpipe::deliver::Senders,
                      public standpipe::deliver::SettlementObserver {
 public:
  using Find = std::function<standpipe::deliver::Delivery&(std::uint32_t id)>;
  explicit Senders(Find find) : find_(std::move(find)) {}
  standpipe::deliver::Delivery& delivery_with(std::uint32_t id) override { return find_(id); }
  void returned(standpipe::deliver::Delivery&) override { ++returns; }
  void settled(standpipe::deliver::Delivery&) override { ++settlements; }
  standpipe::deliver::OutputNeeds needs(standpipe::Reporter& reporter, std::size_t stage,
                                        std::size_t fifo = 0) {
    return {reporter, *this, *this, {stage, fifo}};
  }

  int settlements = 0, returns = 0;

 private:
  Find find_;
};

}  // namespace test
