// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "config/hub_options.h"

namespace standpipe::config {

// What messages can get to, as far as the routes show it: a route is hidden by a final one before
// it that has no condition, or none that the later one has not as well, in the same words. Whether
// conditions exclude each other in other ways is not tried.
struct Reach {
  // Of each route: the final route that hides it from its first source, if each of its sources has
  // one; empty: messages can get to it.
  std::vector<std::optional<std::size_t>> hidden_by;
  // Of each: by a route that is not hidden, from a source that brings something, or as
  // `unmatched`. A source that is a handler brings nothing unless messages get to the handler.
  std::vector<bool> handlers;
  std::vector<bool> unmatched;  // of each source: it may have messages that no route wants
};

// Takes time in proportion to the routes' conditions, unless many have all of theirs in common.
Reach reach_of(const HubOptions& hub);

}  // namespace standpipe::config
