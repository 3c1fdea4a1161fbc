// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "deliver/batch.h"
#include "deliver/needs.h"
#include "deliver/one_delivery.h"
#include "deliver/options.h"
#include "deliver/scripted.h"

namespace test {

// One delivery, a batch of it, and a scripted plugin as the handler "it": for what deals with one
// call or its answer.
class OneHandler : public Needs {
 public:
  // With these messages in the batch.
  explicit OneHandler(std::initializer_list<const char*> messages = {}) {
    options.name = "it";
    options.plugin = &scripted.plugin;
    for (const auto* m : messages) one.append(m);
    if (messages.size() > 0) batch.fill_next(one.delivery);
  }
  deliver::Delivery& delivery() { return one.delivery; }
  const deliver::Tally& tally() const { return one.tally(); }

  OneDelivery one;
  ManualClock clock;
  Scripted scripted;
  deliver::HandlerOptions options;
  deliver::Batch batch{10, 1000};
};

}  // namespace test
