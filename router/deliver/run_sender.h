// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "deliver/delivery_ring.h"
#include "deliver/handler_needs.h"
#include "deliver/in_hand.h"
#include "deliver/options.h"
#include "deliver/plugin_host.h"
#include "deliver/settlement.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// Sends what waits for a handler whose plugin asked that everything goes to one output: runs of
// messages, without looking at them and without a call. The plugin takes no part, so a death leaves
// no doubt: one commit.
class RunSender {
 public:
  // All must outlive it.
  RunSender(const HandlerOptions& options, const HandlerNeeds& needs, DeliveryRing& deliveries,
            const InHand& in_hand, const PluginHost& host, Settlement& settlement)
      : options_(options),
        needs_(needs),
        deliveries_(deliveries),
        in_hand_(in_hand),
        host_(host),
        settlement_(settlement) {}

  // A batch's worth of one delivery, in turn; there is one output that all goes to, which has some
  // grant left. false: there was nothing, or what there is waits. Commits.
  bool send(Nanoseconds now, Waiting& waiting);

 private:
  bool send_redelivery(Delivery& delivery, Nanoseconds now, Waiting& waiting);
  bool send_next(Delivery& delivery);

  const HandlerOptions& options_;
  const HandlerNeeds& needs_;
  DeliveryRing& deliveries_;
  const InHand& in_hand_;
  const PluginHost& host_;
  Settlement& settlement_;
};

}  // namespace standpipe::deliver
