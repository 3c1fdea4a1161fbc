// SPDX-License-Identifier: Apache-2.0
#include "match/evaluate.h"

#include <algorithm>
#include <compare>
#include <cstring>

#include "base/invariant.h"

namespace standpipe::match {
namespace {

// Not string_view::find, which looks for the first byte and then compares: slow where that byte is
// frequent.
bool contains(std::string_view text, std::string_view part) {
  if (text.size() < part.size() || part.empty()) return part.empty();
  return ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool text_holds(const Condition& condition, std::string_view text) {
  if (condition.op == Op::regex) return condition.regex->found_in(text);
  const auto wanted = condition.operands[0].value().text();
  if (condition.op == Op::prefix) return text.starts_with(wanted);
  if (condition.op == Op::suffix) return text.ends_with(wanted);
  INVARIANT(condition.op == Op::contains);
  return contains(text, wanted);
}

Truth truth_of(bool holds) { return holds ? Truth::yes : Truth::no; }

Truth meta_truth(const Condition& condition, Look& look) {
  const auto meta = look.meta();
  if (condition.op == Op::exists) {
    const bool exists = std::any_of(meta.begin(), meta.end(),
                                    [&](const Meta& m) { return m.name == condition.name; });
    return truth_of(exists == (condition.operands[0].value().bits() != 0));
  }
  auto truth = Truth::no;
  for (const auto& m : meta)
    if (m.name == condition.name)
      truth = std::max(truth, truth_on(condition, Value::string(m.value), look));
  return truth;
}

// Of parts that must all hold: the first that fails decides, else the first that is unknown, else
// the first.
class All {
 public:
  // false: no other part can change it.
  bool add(const Decision& part) {
    if (part.truth < so_far_.truth || !so_far_.by) so_far_ = part;
    return so_far_.truth != Truth::no;
  }
  const Decision& decision() const { return so_far_; }

 private:
  Decision so_far_;
};

Decision any_of(const std::vector<Rule>& rules, Look& look) {
  Decision so_far{Truth::no, nullptr};
  for (const auto& rule : rules) {
    const auto part = evaluate(rule, look);
    if (part.truth > so_far.truth || !so_far.by) so_far = part;
    if (so_far.truth == Truth::yes) break;
  }
  return so_far;
}

Decision not_of(const Rule& rule, Look& look) {
  auto decision = evaluate(rule, look);
  if (decision.truth != Truth::unknown) decision.truth = truth_of(decision.truth == Truth::no);
  return decision;
}

}  // namespace

bool holds(const Condition& condition, const Value& seen) {
  const auto wanted = [&](std::size_t i) { return condition.operands[i].value(); };
  const auto order = [&] { return seen <=> wanted(0); };
  if (condition.op == Op::exists) return seen.is_missing() != (wanted(0).bits() != 0);
  if (seen.is_missing()) return false;
  switch (condition.op) {
    case Op::eq:
      return seen == wanted(0);
    case Op::ne:
      return seen != wanted(0);
    case Op::gt:
      return order() > 0;
    case Op::gte:
      return order() >= 0;
    case Op::lt:
      return order() < 0;
    case Op::lte:
      return order() <= 0;
    case Op::in:
      return std::any_of(condition.operands.begin(), condition.operands.end(),
                         [&](const Operand& o) { return o.value() == seen; });
    default:
      return seen.is_string() && text_holds(condition, seen.text());
  }
}

Truth truth_on(const Condition& condition, const Value& seen, Look& look) {
  if (condition.op == Op::regex && seen.is_string() &&
      !look.affords(*condition.regex, seen.text().size()))
    return Truth::unknown;
  return truth_of(holds(condition, seen));
}

Truth truth_of(const Condition& condition, Look& look) {
  if (condition.subject == Subject::size)
    return truth_of(holds(condition, Value::natural(look.size())));
  if (condition.subject == Subject::meta) return meta_truth(condition, look);
  if (look.is_too_large()) return Truth::unknown;
  if (condition.subject == Subject::text)
    return truth_on(condition, Value::string(look.text()), look);
  if (look.verdict() != Json::Verdict::good) return Truth::unknown;
  return truth_on(condition, look.json().find(condition.pointer), look);
}

Decision evaluate(const Rule& rule, Look& look) {
  All all;
  for (const auto& condition : rule.conditions)
    if (!all.add({truth_of(condition, look), &condition})) return all.decision();
  for (const auto& part : rule.all)
    if (!all.add(evaluate(part, look))) return all.decision();
  if (rule.any && !all.add(any_of(*rule.any, look))) return all.decision();
  for (const auto& part : rule.none)
    if (!all.add(not_of(part, look))) return all.decision();
  return all.decision();
}

}  // namespace standpipe::match
