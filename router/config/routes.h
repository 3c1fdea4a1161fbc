// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "config/emitters.h"
#include "config/names.h"
#include "config/reader.h"
#include "match/rule.h"

namespace standpipe::config {

// What routes may name. A section that is missing, or is not a map, is absent here: that was
// reported, and names are not looked up in it.
struct Ends {
  const Names* sources = nullptr;
  const Names* handlers = nullptr;
  Emitters* emitters = nullptr;  // makes sources of the handlers that routes name as such
};

// `routes:`, names resolved.
struct Routes {
  std::vector<match::RouteOptions> options;
  std::vector<Spot> spots;  // where each is
};

Routes read_routes(Context& context, const Field& section, const Ends& ends);

// `unmatched:`: a handler; nothing for `drop` and `dead_letter`.
std::optional<std::size_t> read_unmatched(Context& context, const Field& field, const Ends& ends);

}  // namespace standpipe::config
