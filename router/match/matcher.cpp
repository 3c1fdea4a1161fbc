// SPDX-License-Identifier: Apache-2.0
#include "match/matcher.h"

#include <algorithm>
#include <utility>

namespace standpipe::match {

std::size_t Matcher::bit_of(std::size_t handler) {
  auto at = std::find(handlers_.begin(), handlers_.end(), handler);
  if (at == handlers_.end()) at = std::find(handlers_.begin(), handlers_.end(), kNobody);
  if (at == handlers_.end()) at = handlers_.insert(at, handler);
  *at = handler;
  return static_cast<std::size_t>(std::distance(handlers_.begin(), at));
}

void Matcher::put(std::span<std::uint64_t> set, std::size_t handler) {
  const auto bit = bit_of(handler);
  set[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

Matcher::Matcher(std::size_t source, RouteCompiler& compiler, std::optional<std::size_t> unmatched,
                 std::vector<std::size_t> bits, std::uint64_t match_max)
    : handlers_(std::move(bits)),
      match_max_(match_max),
      index_(compiler.index_of(source)),
      workspace_(compiler.workspace()) {
  const auto& mine = compiler.routes_of(source);
  for (const auto number : mine)
    for (const auto handler : compiler.route(number).to) {
      bit_of(handler);
      unmatched_has_route_ = unmatched_has_route_ || handler == unmatched;
    }
  if (unmatched) bit_of(*unmatched);
  words_ = handlers_.size() / 64 + 1;
  sets_.resize(index_->routes() * words_);
  for (std::size_t i = 0; i < index_->routes(); ++i)
    for (const auto handler : compiler.route(mine[i]).to)
      put(std::span(sets_).subspan(i * words_, words_), handler);
  numbers_ = mine;
  leading_.resize(handlers_.size());
  for (std::size_t i = index_->routes(); i-- > 0;)
    for (const auto handler : compiler.route(mine[i]).to) {
      auto& leading = leading_[bit_of(handler)];
      leading = {leading.routes + 1, i};
    }
  unmatched_.resize(words_);
  if (unmatched) put(unmatched_, *unmatched);
}

Matcher::Matcher(std::size_t source, const std::vector<RouteOptions>& routes,
                 std::optional<std::size_t> unmatched, std::vector<std::size_t> bits,
                 std::uint64_t match_max)
    : Matcher(source, RouteCompiler(routes), unmatched, std::move(bits), match_max) {}

std::optional<std::size_t> Matcher::add(std::size_t handler) {
  if (handlers_.size() == words_ * 64) return std::nullopt;
  handlers_.push_back(handler);
  return handlers_.size() - 1;
}

bool Matcher::match(const Message& message, std::span<std::uint64_t> set) const {
  index_->find(message, match_max_, *workspace_);
  if (workspace_->taken.empty()) {
    std::copy(unmatched_.begin(), unmatched_.end(), set.begin());
    return false;
  }
  std::fill(set.begin(), set.end(), 0);
  for (const auto route : workspace_->taken) {
    const auto* words = &sets_[route * words_];
    for (std::size_t w = 0; w < words_; ++w) set[w] |= words[w];
  }
  return true;
}

std::optional<std::size_t> Matcher::route_to(std::size_t handler, const Message& message) const {
  const auto at = std::find(handlers_.begin(), handlers_.end(), handler);
  const auto bit = static_cast<std::size_t>(at - handlers_.begin());
  if (bit >= leading_.size() || leading_[bit].routes == 0) return std::nullopt;
  if (leading_[bit].routes == 1) return numbers_[leading_[bit].first];
  if (pattern_cost().steps() > 0) return std::nullopt;
  index_->find(message, match_max_, *workspace_);
  for (const auto route : workspace_->taken)
    if (sets_[route * words_ + bit / 64] >> bit % 64 & 1) return numbers_[route];
  return std::nullopt;
}

bool Matcher::only_unmatched(std::span<const std::uint64_t> set) const {
  const bool has_handler =
      std::any_of(unmatched_.begin(), unmatched_.end(), [](auto word) { return word != 0; });
  return has_handler && !unmatched_has_route_ &&
         std::equal(set.begin(), set.end(), unmatched_.begin(), unmatched_.end());
}

}  // namespace standpipe::match
