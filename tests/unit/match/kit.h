// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "match/message.h"
#include "match/rule.h"

namespace standpipe::match {

inline std::span<const std::byte> bytes(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

// Several conditions in one rule.
inline Rule both(Rule first, const Rule& second) {
  first.conditions.insert(first.conditions.end(), second.conditions.begin(),
                          second.conditions.end());
  return first;
}

inline Rule negated(Rule rule) { return {.none = {std::move(rule)}}; }
inline Rule any_of(std::vector<Rule> rules) { return {.any = std::move(rules)}; }

inline Rule regex_rule(Subject subject, std::string_view pattern, std::string_view pointer = {}) {
  return {.conditions = {{.subject = subject,
                          .op = Op::regex,
                          .operands = {Operand(Value::string(pattern))},
                          .pointer = std::get<Pointer>(parse_pointer(pointer)),
                          .regex = Regex::compile(std::string(pattern)).regex}}};
}

inline Rule meta_rule(std::string_view name, Op op, const Value& wanted) {
  return {.conditions = {{.subject = Subject::meta,
                          .op = op,
                          .operands = {Operand(wanted)},
                          .name = std::string(name)}}};
}

inline RouteOptions route(Rule rule, std::vector<std::size_t> to, bool final = false) {
  return {"", {0}, std::move(rule), std::move(to), final};
}

}  // namespace standpipe::match
