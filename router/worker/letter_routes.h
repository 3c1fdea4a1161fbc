// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "deliver/handler_needs.h"
#include "match/rule.h"
#include "worker/delivery_table.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// By which route a message that is dead-lettered came to its handler. A log does not say that of
// its messages, only who wants them: where several routes lead from a source to a handler, the
// letter's message is matched again, by the configuration that is in force then.
//
// The loop's thread.
class LetterRoutes final : public deliver::RouteNames {
 public:
  LetterRoutes(const std::vector<match::RouteOptions>& routes, SourceTable& sources,
               const DeliveryTable& deliveries)
      : routes_(routes), sources_(sources), deliveries_(deliveries) {}

  std::string_view route_of(const deliver::Delivery& delivery, std::span<const std::byte> payload,
                            std::span<const std::byte> fields) override {
    const auto handler = deliveries_.handler_with(delivery.id());
    const auto route = sources_.of(delivery).inlet->route_to(handler, payload, fields);
    return route ? std::string_view(routes_[*route].name) : std::string_view();
  }

 private:
  const std::vector<match::RouteOptions>& routes_;
  SourceTable& sources_;
  const DeliveryTable& deliveries_;
};

}  // namespace standpipe::worker
