// SPDX-License-Identifier: Apache-2.0
#include "match/matcher.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace standpipe::match {
namespace {

// Not string_view::find, which looks for the first byte and then compares: slow where that byte is frequent.
bool contains(std::string_view text, std::string_view part) {
  if (text.size() < part.size() || part.empty()) return part.empty();
  return ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool text_matches(const TextRule& rule, std::string_view text) {
  return (!rule.equals || text == *rule.equals) && (!rule.prefix || text.starts_with(*rule.prefix)) &&
         (!rule.suffix || text.ends_with(*rule.suffix)) && (!rule.contains || contains(text, *rule.contains));
}

bool size_matches(const SizeRule& rule, std::uint64_t size) {
  return (!rule.gt || size > *rule.gt) && (!rule.gte || size >= *rule.gte) && (!rule.lt || size < *rule.lt) &&
         (!rule.lte || size <= *rule.lte);
}

std::string_view as_text(std::span<const std::byte> payload) {
  return payload.empty() ? std::string_view() : std::string_view(reinterpret_cast<const char*>(payload.data()), payload.size());
}

}  // namespace

bool matches(const Rule& rule, std::span<const std::byte> payload) {
  const auto one = [&](const Rule& r) { return matches(r, payload); };
  return (!rule.size || size_matches(*rule.size, payload.size())) && (!rule.text || text_matches(*rule.text, as_text(payload))) &&
         std::all_of(rule.all.begin(), rule.all.end(), one) &&
         (!rule.any || std::any_of(rule.any->begin(), rule.any->end(), one)) &&
         std::none_of(rule.none.begin(), rule.none.end(), one);
}

std::size_t Matcher::bit_of(std::size_t handler) {
  const auto at = std::find(handlers_.begin(), handlers_.end(), handler);
  const auto bit = static_cast<std::size_t>(std::distance(handlers_.begin(), at));
  if (at == handlers_.end()) handlers_.push_back(handler);
  return bit;
}

Matcher::Matcher(std::size_t source, const std::vector<RouteOptions>& routes, std::optional<std::size_t> unmatched) {
  std::vector<const RouteOptions*> mine;
  for (const auto& route : routes)
    if (std::find(route.from.begin(), route.from.end(), source) != route.from.end()) mine.push_back(&route);
  for (const auto* route : mine)
    for (const auto handler : route->to) {
      bit_of(handler);
      unmatched_has_route_ = unmatched_has_route_ || handler == unmatched;
    }
  if (unmatched) bit_of(*unmatched);
  words_ = std::max<std::size_t>(1, (handlers_.size() + 63) / 64);

  const auto put = [this](std::vector<std::uint64_t>& set, std::size_t handler) {
    const auto bit = bit_of(handler);
    set[bit / 64] |= std::uint64_t{1} << (bit % 64);
  };
  for (const auto* route : mine) {
    Step step{route->rule, route->rule.empty(), route->final, std::vector<std::uint64_t>(words_)};
    for (const auto handler : route->to) put(step.set, handler);
    constant_ = constant_ && step.always;
    steps_.push_back(std::move(step));
    if (steps_.back().always && steps_.back().final) break;  // nothing gets past it
  }
  unmatched_.resize(words_);
  if (unmatched) put(unmatched_, *unmatched);
}

bool Matcher::match(std::span<const std::byte> payload, std::span<std::uint64_t> set) const {
  std::fill(set.begin(), set.end(), 0);
  bool wanted = false;
  for (const auto& step : steps_) {
    if (!step.always && !matches(step.rule, payload)) continue;
    wanted = true;
    for (std::size_t w = 0; w < words_; ++w) set[w] |= step.set[w];
    if (step.final) break;
  }
  if (!wanted) std::copy(unmatched_.begin(), unmatched_.end(), set.begin());
  return wanted;
}

bool Matcher::only_unmatched(std::span<const std::uint64_t> set) const {
  const bool has_handler = std::any_of(unmatched_.begin(), unmatched_.end(), [](auto word) { return word != 0; });
  return has_handler && !unmatched_has_route_ && std::equal(set.begin(), set.end(), unmatched_.begin(), unmatched_.end());
}

}  // namespace standpipe::match
