// SPDX-License-Identifier: Apache-2.0
#include "match/explain.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "match/evaluate.h"
#include "match/pattern_cost.h"

namespace standpipe::match {
namespace {

std::string not_json(Look& look) {
  if (look.verdict() == Json::Verdict::too_deep)
    return "nested deeper than " + thousands(kJsonDepthMax);
  return "not JSON at byte " + thousands(find_json_error(look.text()));
}

std::string seen_text(const Condition& condition, const Value& seen) {
  return condition.subject_text() + " = " + seen.shown();
}

std::string meta_seen(const Condition& condition, std::span<const Meta> meta) {
  std::string values;
  for (const auto& m : meta)
    if (m.name == condition.name)
      values += (values.empty() ? "" : ", ") + Value::string(m.value).shown();
  return condition.subject_text() + (values.empty() ? " is not there" : " = " + values);
}

// What the condition's subject has, or why it could not be seen.
std::string seen(const Condition& condition, Look& look) {
  switch (condition.subject) {
    case Subject::size:
      return "size = " + std::to_string(look.size());
    case Subject::meta:
      return meta_seen(condition, look.meta());
    case Subject::text:
      return look.is_too_large() ? "" : seen_text(condition, Value::string(look.text()));
    case Subject::json:
      break;
  }
  if (look.is_too_large() || look.verdict() != Json::Verdict::good) return {};
  const auto value = look.json().find(condition.pointer);
  return value.is_missing() ? condition.subject_text() + " is not there"
                            : seen_text(condition, value);
}

// What the condition wants of `subject`; `is_negated`: within a `not`.
std::string wanted_text(const Condition& condition, bool is_negated, const std::string& subject) {
  if (condition.op != Op::exists)
    return subject + (is_negated ? " not " : " ") + condition.wanted_text();
  const bool to_be_there = (condition.operands[0].value().bits() != 0) != is_negated;
  return subject + (to_be_there ? " to be there" : " not to be there");
}

// For those who expect that a `not` matches where its condition does not.
constexpr const char* kNotOfUnseen = " (a `not` takes only what can be looked into)";

std::string unseen(const Condition& condition, Look& look, bool is_negated) {
  const auto wanted = ", wanted " + wanted_text(condition, is_negated, condition.subject_text()) +
                      (is_negated ? kNotOfUnseen : "");
  if (look.is_too_large())
    return thousands(look.size()) + " bytes, larger than match_max (" +
           size_text(look.limits().match_max) + ")" + wanted;
  return not_json(look) + wanted;
}

// Whether the condition is one of the rule's, within an odd number of `not`; nullopt: it is none.
std::optional<bool> is_negated_in(const Rule& rule, const Condition* condition) {
  for (const auto& own : rule.conditions)
    if (&own == condition) return false;
  for (const auto* parts : {&rule.all, rule.any ? &*rule.any : nullptr, &rule.none}) {
    if (!parts) continue;
    for (const auto& part : *parts)
      if (const auto found = is_negated_in(part, condition)) return *found != (parts == &rule.none);
  }
  return std::nullopt;
}

std::string reason_of(const Rule& rule, const Decision& decision, Look& look) {
  if (!decision.by) return decision.truth == Truth::yes ? "takes every message" : "takes none";
  const auto& condition = *decision.by;
  const auto what = seen(condition, look);
  if (what.empty()) return unseen(condition, look, is_negated_in(rule, &condition).value_or(false));
  const auto truth = truth_of(condition, look);
  if (truth == Truth::unknown)
    return what + ", too long for a pattern that may be slow: " +
           thousands(look.limits().slow_patterns_max) + " bytes at most, wanted " +
           condition.wanted_text();
  // Within a `not`, a route fails on a condition that holds, and matches on one that does not.
  const bool held = truth == Truth::yes;
  if (decision.truth != Truth::yes) {
    const auto* it = condition.op == Op::exists ? " it" : "";
    return what + ", wanted" + wanted_text(condition, held, it);
  }
  const bool says_it_all = condition.op == Op::exists || (held && condition.op == Op::eq);
  return says_it_all ? what : what + (held ? ", " : ", not ") + condition.wanted_text();
}

std::string payload_text(Look& look) {
  const auto bytes = counted(look.size(), "byte");
  if (look.is_too_large())
    return bytes + ", larger than match_max (" + size_text(look.limits().match_max) + ")";
  return bytes + (look.verdict() == Json::Verdict::good ? ", JSON" : ", " + not_json(look));
}

}  // namespace

Explanation explain(std::size_t source, const std::vector<RouteOptions>& routes,
                    std::optional<std::size_t> unmatched, const Message& message,
                    std::uint64_t match_max) {
  Json json;
  Look look(message, json, {match_max, PatternCost(source, routes).bytes_max()});
  Explanation explanation{.unmatched = true, .payload = payload_text(look)};
  const auto reach = [&](std::size_t handler) {
    auto& list = explanation.handlers;
    if (std::find(list.begin(), list.end(), handler) == list.end()) list.push_back(handler);
  };
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& route = routes[i];
    if (std::find(route.from.begin(), route.from.end(), source) == route.from.end()) continue;
    auto& said =
        explanation.routes.emplace_back(Explanation::Route{.number = i, .name = route.name});
    if (explanation.stopped_by) continue;
    const auto decision = evaluate(route.rule, look);
    said.reached = true;
    said.matched = decision.truth == Truth::yes;
    said.reason = reason_of(route.rule, decision, look);
    if (decision.by) said.place = decision.by->place;
    if (!said.matched) continue;
    explanation.unmatched = false;
    for (const auto handler : route.to) reach(handler);
    if (route.final) explanation.stopped_by = explanation.routes.size() - 1;
  }
  if (explanation.unmatched && unmatched) reach(*unmatched);
  return explanation;
}

}  // namespace standpipe::match
