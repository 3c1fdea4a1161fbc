// SPDX-License-Identifier: Apache-2.0
#include "match/route_compiler.h"

namespace standpipe::match {

RouteCompiler::RouteCompiler(const std::vector<RouteOptions>& routes)
    : routes_(routes), workspace_(std::make_shared<Workspace>()) {
  for (std::size_t i = 0; i < routes.size(); ++i)
    for (const auto source : routes[i].from) by_source_[source].push_back(i);
}

const std::vector<std::size_t>& RouteCompiler::routes_of(std::size_t source) const {
  static const Numbers kNone;
  const auto known = by_source_.find(source);
  return known == by_source_.end() ? kNone : known->second;
}

std::shared_ptr<const RouteIndex> RouteCompiler::index_of(std::size_t source) {
  const auto& numbers = routes_of(source);
  auto& index = indexes_[numbers];
  if (!index) {
    std::vector<const RouteOptions*> routes;
    for (const auto number : numbers) routes.push_back(&routes_[number]);
    index = std::make_shared<RouteIndex>(routes, regex_memory_);
  }
  return index;
}

}  // namespace standpipe::match
