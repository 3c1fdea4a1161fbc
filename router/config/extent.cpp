// SPDX-License-Identifier: Apache-2.0
#include "config/extent.h"

#include <cstddef>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::config {
namespace {

// Counts each pair once, however many routes join it. Stops after the limit.
std::size_t count_deliveries(const HubOptions& hub) {
  std::vector<std::vector<bool>> joined(hub.sources.size(), std::vector<bool>(hub.handlers.size()));
  std::size_t count = 0;
  const auto join = [&](std::size_t source, std::size_t handler) {
    if (joined[source][handler]) return;
    joined[source][handler] = true;
    ++count;
  };
  for (const auto& route : hub.routes)
    for (const auto source : route.from)
      for (const auto handler : route.to)
        if (count <= kDeliveriesMax) join(source, handler);
  for (std::size_t source = 0; hub.unmatched && source < hub.sources.size(); ++source)
    join(source, *hub.unmatched);
  return count;
}

}  // namespace

void check_extent(Context& context, const HubOptions& hub, const Spot& handlers,
                  const Spot& routes) {
  if (hub.handlers.size() > kHandlersMax)
    return context.error(handlers, "too-many",
                         "these are " + thousands(hub.handlers.size()) +
                             " handlers, and a hub has " + thousands(kHandlersMax) + " at most",
                         "run several hubs");
  if (count_deliveries(hub) <= kDeliveriesMax) return;
  context.error(routes, "too-many",
                "these routes join more than " + thousands(kDeliveriesMax) +
                    " pairs of a source and a handler, which is more than a hub can hold",
                "run several hubs, or let fewer routes lead from all sources to all handlers");
}

}  // namespace standpipe::config
