// SPDX-License-Identifier: Apache-2.0
#include "match/compiled_rule.h"

#include <algorithm>

namespace standpipe::match {
namespace {

int cost_of(const Condition& condition) {
  if (condition.subject == Subject::size) return 0;
  if (condition.op == Op::regex) return 5;
  if (condition.op == Op::contains) return 4;
  return condition.subject == Subject::json ? 3 : condition.subject == Subject::meta ? 2 : 1;
}

Truth negated(Truth truth) {
  if (truth == Truth::unknown) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}

std::vector<CompiledRule> compiled(const std::vector<Rule>& rules, PointerTree& pointers) {
  std::vector<CompiledRule> all;
  all.reserve(rules.size());
  for (const auto& rule : rules) all.emplace_back(rule, pointers);
  return all;
}

}  // namespace

void CompiledLook::walk() {
  is_walked_ = true;
  has_document_ = !look_.is_too_large() && look_.verdict() == Json::Verdict::good;
  if (has_document_) look_.json().collect(pointers_, values_);
}

CompiledRule::CompiledRule(const Rule& rule, PointerTree& pointers)
    : all_(compiled(rule.all, pointers)), none_(compiled(rule.none, pointers)) {
  for (const auto& condition : rule.conditions) {
    Leaf leaf{&condition, condition.subject, condition.op};
    if (condition.subject == Subject::json) leaf.pointer = pointers.add(condition.pointer);
    leaf.wanted = condition.operands.empty() ? Value() : condition.operands[0].value();
    leaves_.push_back(leaf);
  }
  std::stable_sort(leaves_.begin(), leaves_.end(), [](const Leaf& a, const Leaf& b) {
    return cost_of(*a.condition) < cost_of(*b.condition);
  });
  if (rule.any) any_ = compiled(*rule.any, pointers);
  has_leaves_only_ = all_.empty() && !any_ && none_.empty();
}

Truth CompiledRule::text(const Leaf& leaf, Look& look) {
  if (look.is_too_large()) return Truth::unknown;
  const auto text = look.text();
  const auto yes = [](bool holds) { return holds ? Truth::yes : Truth::no; };
  switch (leaf.op) {
    case Op::eq:
      return yes(text == leaf.wanted.text());
    case Op::prefix:
      return yes(text.starts_with(leaf.wanted.text()));
    case Op::suffix:
      return yes(text.ends_with(leaf.wanted.text()));
    default:
      return truth_on(*leaf.condition, Value::string(text), look);
  }
}

Truth CompiledRule::evaluate(const Leaf& leaf, CompiledLook& look) {
  if (leaf.subject == Subject::text) return text(leaf, look.look());
  if (leaf.subject != Subject::json) return truth_of(*leaf.condition, look.look());
  if (!look.has_document()) return Truth::unknown;
  return truth_on(*leaf.condition, look.value(leaf.pointer), look.look());
}

Truth CompiledRule::any(CompiledLook& look) const {
  auto truth = Truth::no;
  for (const auto& rule : *any_) {
    truth = std::max(truth, rule.evaluate(look));
    if (truth == Truth::yes) break;
  }
  return truth;
}

Truth CompiledRule::evaluate(CompiledLook& look) const {
  auto truth = Truth::yes;
  for (const auto& leaf : leaves_)
    if ((truth = std::min(truth, evaluate(leaf, look))) == Truth::no) return truth;
  if (has_leaves_only_) return truth;
  for (const auto& rule : all_)
    if ((truth = std::min(truth, rule.evaluate(look))) == Truth::no) return truth;
  if (any_ && (truth = std::min(truth, any(look))) == Truth::no) return truth;
  for (const auto& rule : none_)
    if ((truth = std::min(truth, negated(rule.evaluate(look)))) == Truth::no) return truth;
  return truth;
}

}  // namespace standpipe::match
