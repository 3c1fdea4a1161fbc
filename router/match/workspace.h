// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "match/json.h"
#include "match/pointer_tree.h"
#include "match/route_queue.h"

namespace standpipe::match {

// What matching needs while it looks at one message. It is worth keeping, for its buffers, and all
// matchers of a thread may share one.
struct Workspace {
  Json json;
  FoundValues values;
  RouteQueue candidates;             // routes that may take it
  bool is_certain = true;            // whose key was found where that is all that they ask for
  std::vector<std::uint32_t> taken;  // routes that do, in order
  std::vector<int> patterns;
  bool has_left_patterns = false;  // slow patterns were not tried on it
};

}  // namespace standpipe::match
