// SPDX-License-Identifier: Apache-2.0
#include "match/route_keys.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace standpipe::match {
namespace {

constexpr std::size_t kKeysMax = 65'536;  // of one route

std::vector<RouteKey> keys_of(const Condition& condition) {
  using Kind = RouteKey::Kind;
  const bool is_text = condition.subject == Subject::text;
  if (!is_text && condition.subject != Subject::json) return {};
  // A pattern that may be slow is tried when nothing else is left.
  if (condition.op == Op::regex && condition.regex->may_be_slow()) return {};
  if (condition.op == Op::regex) return {{Kind::pattern, &condition, {}}};
  if (condition.op == Op::prefix && is_text && !condition.operands[0].value().text().empty())
    return {{Kind::prefix, &condition, condition.operands[0].value()}};
  if (condition.op != Op::eq && condition.op != Op::in) return {};
  std::vector<RouteKey> keys;
  for (const auto& operand : condition.operands)
    keys.push_back({is_text ? Kind::text : Kind::value, &condition, operand.value()});
  return keys;
}

// Equal keys have equal names.
std::string name_of(const RouteKey& key) {
  std::string name(1, static_cast<char>(key.kind));
  name += key.condition->pointer.written + '\0';
  if (key.kind == RouteKey::Kind::pattern) return name + key.condition->regex->pattern();
  name += static_cast<char>(key.wanted.kind());
  return name + std::to_string(key.wanted.bits()) + '\0' + std::string(key.wanted.text());
}

// How many messages have it, so to speak.
double weight_of(const RouteKey& key) {
  switch (key.kind) {
    case RouteKey::Kind::text:
      return 1;
    case RouteKey::Kind::value:
      return key.wanted.is_number() || key.wanted.is_string() ? 1 : 50;
    case RouteKey::Kind::prefix:
      return key.wanted.text().size() < 2 ? 10 : 1.5;
    case RouteKey::Kind::pattern:
      break;
  }
  return 20;
}

}  // namespace

void KeyChooser::add(const Rule& rule) {
  for (const auto& condition : rule.conditions)
    for (const auto& key : keys_of(condition)) ++asked_[name_of(key)];
  for (const auto& part : rule.all) add(part);
  if (rule.any)
    for (const auto& part : *rule.any) add(part);
}

std::optional<std::vector<RouteKey>> KeyChooser::choose(const Rule& rule) const {
  auto choice = best(rule);
  if (!choice) return std::nullopt;
  return std::move(choice->keys);
}

KeyChooser::Choice KeyChooser::choice_of(const Condition& condition) const {
  Choice choice{keys_of(condition)};
  for (const auto& key : choice.keys) choice.cost += weight_of(key) * asked_.at(name_of(key));
  return choice;
}

// Each of them must have keys, and all of these are the whole's.
std::optional<KeyChooser::Choice> KeyChooser::any_of(const std::vector<Rule>& rules) const {
  Choice all;
  for (const auto& rule : rules) {
    auto choice = best(rule);
    if (!choice) return std::nullopt;
    all.cost += choice->cost;
    std::move(choice->keys.begin(), choice->keys.end(), std::back_inserter(all.keys));
  }
  return all;
}

std::optional<KeyChooser::Choice> KeyChooser::best(const Rule& rule) const {
  std::optional<Choice> best;
  const auto consider = [&](std::optional<Choice> choice) {
    if (!choice || choice->keys.empty() || choice->keys.size() > kKeysMax) return;
    if (!best || choice->cost < best->cost) best = std::move(choice);
  };
  for (const auto& condition : rule.conditions) consider(choice_of(condition));
  for (const auto& part : rule.all) consider(this->best(part));
  if (rule.any) consider(any_of(*rule.any));
  return best;
}

}  // namespace standpipe::match
