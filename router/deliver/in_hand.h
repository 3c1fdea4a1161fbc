// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "deliver/delivery.h"
#include "deliver/options.h"
#include "deliver/plugin_host.h"
#include "deliver/taken_messages.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// What a handler has in hand, that is, what it was given and may have to be redelivered: entries of
// its outputs and messages that its plugin has taken. It decides whether it is given more.
//
// All that is in hand can come back at once, and must find room among the redeliveries of its
// delivery. A delivery gets back only what it gave, so it is enough to check before each batch that
// there is room for that.
class InHand {
 public:
  // All must outlive it.
  InHand(const HandlerOptions& options, const PluginHost& host, const TakenMessages& taken)
      : options_(options), host_(host), taken_(taken) {}

  // The delivery has something, which is not given now. Its turn does not pass to the others
  // meanwhile, because what they send would keep it waiting.
  bool holds_back(const Delivery& delivery, Nanoseconds now, Waiting& waiting) const;

 private:
  bool has_room_for_return(const Delivery& delivery) const;
  bool is_enough(const Delivery& delivery) const;

  const HandlerOptions& options_;
  const PluginHost& host_;
  const TakenMessages& taken_;
};

}  // namespace standpipe::deliver
