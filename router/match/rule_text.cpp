// SPDX-License-Identifier: Apache-2.0
#include "match/rule_text.h"

#include <cstddef>

#include "base/text.h"

namespace standpipe::match {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kShownBytes = 240;

const char* words_of(Op op) {
  switch (op) {
    case Op::eq:
      return "=";
    case Op::ne:
      return "is there and not";
    case Op::prefix:
      return "begins with";
    case Op::suffix:
      return "ends in";
    case Op::contains:
      return "has";
    case Op::regex:
      return "matches";
    case Op::gt:
      return ">";
    case Op::gte:
      return ">=";
    case Op::lt:
      return "<";
    case Op::lte:
      return "<=";
    case Op::in:
      return "is one of";
    case Op::exists:
      break;
  }
  return "";
}

// Whole, unlike Value::shown.
std::string text_of(const Operand& operand) {
  const auto value = operand.value();
  return value.is_string() ? json_string(value.text()) : value.shown();
}

std::string text_of(const Condition& condition) {
  if (condition.op == Op::exists)
    return condition.subject_text() +
           (condition.operands[0].value().bits() ? " is there" : " is not there");
  Texts operands;
  for (const auto& operand : condition.operands) operands.push_back(text_of(operand));
  return condition.subject_text() + ' ' + words_of(condition.op) + ' ' + joined(operands, ", ");
}

void add_conditions(Texts& texts, const Rule& rule);

// All conditions of a rule as one text, which may stand in a list.
std::string as_one(const Rule& rule) {
  Texts texts;
  add_conditions(texts, rule);
  if (texts.empty()) return "anything";
  return texts.size() == 1 ? texts[0] : '(' + joined(texts, " and ") + ')';
}

void add_any(Texts& texts, const std::vector<Rule>& rules) {
  if (rules.size() == 1) return add_conditions(texts, rules[0]);
  Texts each;
  for (const auto& rule : rules) each.push_back(as_one(rule));
  texts.push_back(each.empty() ? "nothing" : '(' + joined(each, " or ") + ')');
}

void add_conditions(Texts& texts, const Rule& rule) {
  for (const auto& condition : rule.conditions) texts.push_back(text_of(condition));
  for (const auto& each : rule.all) add_conditions(texts, each);
  if (rule.any) add_any(texts, *rule.any);
  for (const auto& each : rule.none) texts.push_back("not " + as_one(each));
}

}  // namespace

std::vector<std::string> condition_texts(const Rule& rule) {
  Texts texts;
  add_conditions(texts, rule);
  return texts;
}

std::string rule_text(const Rule& rule) {
  auto text = joined(condition_texts(rule), ", ");
  if (text.empty()) return "everything";
  if (text.size() <= kShownBytes) return text;
  auto cut = kShownBytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return text.substr(0, cut) + "...";
}

}  // namespace standpipe::match
