// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "match/regex.h"
#include "match/route_index.h"
#include "match/rule.h"
#include "match/workspace.h"

namespace standpipe::match {

// Compiles a hub's routes. Sources that have the same routes share one index, and all sources one
// workspace: so what is made here belongs to one thread. Borrows the routes.
class RouteCompiler {
 public:
  explicit RouteCompiler(const std::vector<RouteOptions>& routes);

  // The routes of a source, in their order; places in the hub's list.
  const std::vector<std::size_t>& routes_of(std::size_t source) const;
  const RouteOptions& route(std::size_t number) const { return routes_[number]; }
  std::shared_ptr<const RouteIndex> index_of(std::size_t source);
  const std::shared_ptr<Workspace>& workspace() const { return workspace_; }

 private:
  using Numbers = std::vector<std::size_t>;
  const std::vector<RouteOptions>& routes_;
  std::map<std::size_t, Numbers> by_source_;
  std::map<Numbers, std::shared_ptr<const RouteIndex>> indexes_;
  RegexMemory regex_memory_;
  std::shared_ptr<Workspace> workspace_;
};

}  // namespace standpipe::match
