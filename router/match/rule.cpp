// SPDX-License-Identifier: Apache-2.0
#include "match/rule.h"

#include <utility>

#include "base/text.h"

namespace standpipe::match {
namespace {

constexpr std::size_t kShownChoices = 8;
constexpr std::size_t kShownNameBytes = 100;

std::string shown_name(std::string_view name) {
  if (name.size() <= kShownNameBytes) return escaped(name);
  return escaped(name.substr(0, kShownNameBytes)) + "...";
}

std::string_view op_text(Op op) {
  switch (op) {
    case Op::eq:
      return "= ";
    case Op::ne:
      return "other than ";
    case Op::prefix:
      return "prefix ";
    case Op::suffix:
      return "suffix ";
    case Op::contains:
      return "containing ";
    case Op::regex:
      return "regex ";
    case Op::gt:
      return "> ";
    case Op::gte:
      return ">= ";
    case Op::lt:
      return "< ";
    case Op::lte:
      return "<= ";
    case Op::in:
      return "one of ";
    case Op::exists:
      break;
  }
  return "";
}

Rule one(Condition condition) { return {.conditions = {std::move(condition)}}; }

}  // namespace

std::string Place::text() const {
  if (line == 0) return {};
  return escaped(file) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Condition::subject_text() const {
  switch (subject) {
    case Subject::text:
      return "text";
    case Subject::json:
      return pointer.written.empty() ? "the document" : shown_name(pointer.written);
    case Subject::meta:
      return "meta " + shown_name(name);
    case Subject::size:
      break;
  }
  return "size";
}

std::string Condition::wanted_text() const {
  if (op == Op::exists) return operands[0].value().bits() ? "to be there" : "not to be there";
  std::string text(op_text(op));
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (i == kShownChoices) return text + ", ...";
    text += (i ? ", " : "") + operands[i].value().shown();
  }
  return text;
}

Rule text_rule(Op op, std::string_view wanted) {
  return one({.subject = Subject::text, .op = op, .operands = {Operand(Value::string(wanted))}});
}

Rule size_rule(Op op, std::uint64_t bytes) {
  return one({.subject = Subject::size, .op = op, .operands = {Operand(Value::natural(bytes))}});
}

Rule json_rule(std::string_view pointer, Op op, const Value& wanted) {
  return one({.subject = Subject::json,
              .op = op,
              .operands = {Operand(wanted)},
              .pointer = std::get<Pointer>(parse_pointer(pointer))});
}

}  // namespace standpipe::match
