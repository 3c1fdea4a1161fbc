// SPDX-License-Identifier: Apache-2.0
#include "match/route_index.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace standpipe::match {
namespace {

constexpr std::size_t kWorthIndexing = 4;  // routes
constexpr std::size_t kWorthASet = 2;      // patterns

bool is_one_condition(const Rule& rule) {
  return rule.conditions.size() == 1 && rule.all.empty() && !rule.any && rule.none.empty();
}

bool has_content(const Rule& rule) {
  const auto is_content = [](const Condition& condition) {
    return condition.subject == Subject::text || condition.subject == Subject::json;
  };
  return std::any_of(rule.conditions.begin(), rule.conditions.end(), is_content) ||
         std::any_of(rule.all.begin(), rule.all.end(), has_content) ||
         std::any_of(rule.none.begin(), rule.none.end(), has_content) ||
         (rule.any && std::any_of(rule.any->begin(), rule.any->end(), has_content));
}

}  // namespace

// ---- made once

RouteIndex::RouteIndex(const std::vector<const RouteOptions*>& routes, RegexMemory& memory)
    : pattern_cost_(routes) {
  for (const auto* route : routes) {
    routes_.push_back({.rule = route->rule, .final = route->final});
    constant_ = constant_ && route->rule.empty();
    looks_inside_ = looks_inside_ || has_content(route->rule);
    if (route->rule.empty() && route->final) break;  // nothing gets past it
  }
  // The rules stay where they are from here on, and what is made of them borrows them.
  for (auto& route : routes_) route.compiled.emplace(route.rule, pointers_);
  choose_keys();
  drop_what_is_not_worth_it();
  for (std::uint32_t i = 0; i < routes_.size(); ++i) add_keys(i);
  patterns_.compile(memory);
  values_.compile(memory);
  std::stable_sort(turns_.begin(), turns_.end(),
                   [](const Turn& a, const Turn& b) { return a.first < b.first; });
}

void RouteIndex::choose_keys() {
  KeyChooser chooser;
  for (const auto& route : routes_) chooser.add(route.rule);
  for (auto& route : routes_)
    if (auto keys = chooser.choose(route.rule)) route.keys = std::move(*keys);
}

void RouteIndex::drop_what_is_not_worth_it() {
  using Kind = RouteKey::Kind;
  std::map<Kind, std::size_t> count;
  std::map<std::string, std::map<std::string, int>> patterns;  // by subject, each once
  const auto subject = [](const RouteKey& key) {
    return key.condition->subject == Subject::text ? "" : "/" + key.condition->pointer.written;
  };
  for (const auto& route : routes_)
    for (const auto& key : route.keys)
      if (key.kind == Kind::pattern)
        patterns[subject(key)][key.condition->regex->pattern()] = 0;
      else
        ++count[key.kind];
  const auto is_worth_it = [&](const RouteKey& key) {
    if (key.kind == Kind::pattern) return patterns[subject(key)].size() >= kWorthASet;
    return count[key.kind] >= kWorthIndexing;
  };
  for (auto& route : routes_)
    if (!std::all_of(route.keys.begin(), route.keys.end(), is_worth_it)) route.keys.clear();
}

void RouteIndex::need(Stage stage, std::size_t route) {
  const auto known = std::find_if(turns_.begin(), turns_.end(),
                                  [&](const Turn& turn) { return turn.stage == stage; });
  if (known == turns_.end()) turns_.push_back({stage, route});  // routes come in order
}

void RouteIndex::add_keys(std::uint32_t number) {
  auto& route = routes_[number];
  if (route.keys.empty()) return add_always(number);
  route.is_its_key = is_one_condition(route.rule);
  for (const auto& key : route.keys) add_key(key, number);
}

void RouteIndex::add_key(const RouteKey& key, std::uint32_t route) {
  using Kind = RouteKey::Kind;
  if (key.condition->subject == Subject::json) {
    need(Stage::document, route);
    const auto pointer = pointers_.add(key.condition->pointer);
    if (key.kind == Kind::pattern)
      return values_.add_pattern(pointer, *key.condition->regex, route);
    return values_.add_value(pointer, key.wanted, route);
  }
  need(key.kind == Kind::pattern ? Stage::patterns : Stage::text, route);
  if (key.kind == Kind::pattern)
    patterns_.add(*key.condition->regex, route);
  else if (key.kind == Kind::prefix)
    texts_.add_prefix(key.wanted.text(), route);
  else
    texts_.add_whole(key.wanted.text(), route);
}

void RouteIndex::add_always(std::uint32_t route) {
  const std::size_t word = route / 64;
  if (always_.empty() || always_.back().word != word) always_.push_back({word, 0});
  always_.back().routes |= std::uint64_t{1} << (route % 64);
}

// ---- for each message

void RouteIndex::look_up_document(CompiledLook& look, Workspace& workspace) const {
  if (!look.has_document()) return;
  const auto add = [&](std::uint32_t route) { workspace.candidates.add(route); };
  for (const auto pointer : workspace.values.wanted())
    if (!values_.find(pointer, look.value(pointer), workspace.patterns, add))
      workspace.is_certain = false;
}

void RouteIndex::look_up(Stage stage, CompiledLook& look, Workspace& workspace) const {
  if (look.look().is_too_large()) return;
  if (stage == Stage::document) return look_up_document(look, workspace);
  const auto text = look.look().text();
  const auto add = [&](std::uint32_t route) { workspace.candidates.add(route); };
  if (stage == Stage::text) return texts_.find(text, add);
  if (!patterns_.find(text, workspace.patterns, add)) workspace.is_certain = false;
}

bool RouteIndex::takes(const Route& route, CompiledLook& look, const Workspace& workspace) const {
  if (route.is_its_key && workspace.is_certain) return true;
  return route.compiled->evaluate(look) == Truth::yes;
}

// Tries one route. true: it takes the message, and is final.
bool RouteIndex::ends_with(std::size_t route, CompiledLook& look, Workspace& workspace) const {
  if (!takes(routes_[route], look, workspace)) return false;
  workspace.taken.push_back(static_cast<std::uint32_t>(route));
  return routes_[route].final;
}

void RouteIndex::find(const Message& message, std::uint64_t match_max, Workspace& workspace) const {
  workspace.taken.clear();
  workspace.is_certain = true;
  CompiledLook look(message, {match_max, pattern_cost_.bytes_max()}, pointers_, workspace);
  if (turns_.empty())
    try_each(look, workspace);
  else
    find_candidates(look, workspace);
  workspace.has_left_patterns = look.look().has_left_patterns();
}

void RouteIndex::try_each(CompiledLook& look, Workspace& workspace) const {
  for (std::size_t route = 0; route < routes_.size(); ++route)
    if (ends_with(route, look, workspace)) return;
}

void RouteIndex::find_candidates(CompiledLook& look, Workspace& workspace) const {
  auto& candidates = workspace.candidates;
  candidates.begin(routes_.size());
  for (const auto& always : always_) candidates.add_word(always.word, always.routes);
  for (auto turn = turns_.begin();;) {
    const auto route = candidates.first();
    if (turn != turns_.end() && turn->first <= route) {
      look_up((turn++)->stage, look, workspace);
      continue;
    }
    if (route == RouteQueue::kNone) return;
    candidates.remove(route);
    if (ends_with(route, look, workspace)) return;
  }
}

}  // namespace standpipe::match
