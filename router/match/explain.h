// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "match/message.h"
#include "match/rule.h"

namespace standpipe::match {

// Why a message goes where it goes: what one source's routes said to it, in their order.
struct Explanation {
  struct Route {
    std::size_t number;    // in the list of the hub's routes
    std::string name;      // as in RouteOptions
    bool reached = false;  // false: an earlier `final` route took the message
    bool matched = false;
    // The condition that decided, with what it saw: `/amount = 12, wanted >= 1000`, `/type =
    // "order"`; "takes every message" where the route has none. UTF-8, one line.
    std::string reason = {};
    Place place = {};  // of that condition
  };
  std::vector<Route> routes = {};
  std::vector<std::size_t> handlers = {};      // who gets it: each once, as the routes reached them
  std::optional<std::size_t> stopped_by = {};  // the `final` route that took it: in `routes`
  bool unmatched = false;    // no route wanted it; `handlers` has the unmatched handler, if any
  std::string payload = {};  // "30 bytes, JSON", "5 bytes, not JSON (at byte 0)"
};

// `routes` are all routes of the hub; those of other sources are left out. It parses the message
// even if no route asks for that.
Explanation explain(std::size_t source, const std::vector<RouteOptions>& routes,
                    std::optional<std::size_t> unmatched, const Message& message,
                    std::uint64_t match_max);

}  // namespace standpipe::match
