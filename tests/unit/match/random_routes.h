// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "kit.h"
#include "match/number.h"

namespace standpipe::match {

// Routes and messages made by chance, of few words, so that they often have to do with each other.
// Dice(n) throws a number below n.
template <class Dice>
class RandomRoutes {
 public:
  explicit RandomRoutes(Dice& dice) : dice_(dice) {}

  std::vector<RouteOptions> routes() {
    std::vector<RouteOptions> routes;
    for (auto left = chance(8) ? 100 : 1 + dice_(12); left > 0; --left) {
      RouteOptions made{"", {0}, chance(10) ? Rule() : rule(2), {dice_(9)}, chance(6)};
      if (chance(10)) made.from = {1};
      routes.push_back(std::move(made));
    }
    return routes;
  }
  std::string payload() {
    if (chance(3)) return text();
    auto json = this->json(3);
    if (chance(10)) json.resize(dice_(json.size() + 1));
    if (chance(20)) json += std::string(1 + dice_(40), ' ');
    return json;
  }
  std::vector<Meta> meta() {
    std::vector<Meta> meta;
    for (auto n = dice_(3); n > 0; --n) meta.push_back({name(), word()});
    return meta;
  }

 private:
  static constexpr std::array kWords{"", "a", "ab", "abc", "b", "ba", "order", "orders", "x"};
  static constexpr std::array kNumbers{"0",
                                       "1",
                                       "1.0",
                                       "-1",
                                       "2.5",
                                       "10e-1",
                                       "9007199254740993",
                                       "9007199254740992",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "1000000000000000000000000000000",
                                       "1000000000000000000000000000001",
                                       "1e30",
                                       "-9223372036854775809",
                                       "1e999"};
  static constexpr std::array kPointers{"",   "/a", "/b", "/a/b", "/a/0", "/a/1/b", "/",  "/a~1b",
                                        "/c", "/d", "/e", "/f",   "/g",   "/h",     "/i", "/b/a"};
  static constexpr std::array kKeys{"a", "b", "", "a/b", "c", "\\u0061", "d", "e", "f", "g", "h"};
  static constexpr std::array kNames{"key", "fifo"};
  static constexpr std::array kPatterns{"a+b",    "^order", "s$",      "[0-9]",
                                        "(?i)AB", "x|b",    "a[ab]{9}"};

  bool chance(std::size_t of) { return dice_(of) == 0; }
  template <class List>
  std::string_view one_of(const List& list) {
    return list[dice_(list.size())];
  }
  std::string_view word() { return one_of(kWords); }
  std::string_view name() { return one_of(kNames); }

  std::string text() {
    std::string text;
    for (auto n = dice_(5); n > 0; --n) text += word();
    if (chance(20)) text += '\xff';
    return text;
  }
  std::string json(int depth) {
    const auto kind = dice_(depth > 0 ? 6 : 4);
    if (kind == 0) return std::string(one_of(kNumbers));
    if (kind == 1) return chance(3) ? "null" : chance(2) ? "true" : "false";
    if (kind < 4) return '"' + std::string(word()) + '"';
    std::string out = kind == 4 ? "[" : "{";
    for (auto n = dice_(4), i = n; i > 0; --i) {
      if (kind == 5) out += '"' + std::string(one_of(kKeys)) + "\":";
      out += json(depth - 1) + (i > 1 ? "," : "");
    }
    return out + (kind == 4 ? "]" : "}");
  }

  Operand operand() {
    static constexpr std::array kReals{0.0, 1.0, 2.5, 1e30, -1e30};
    switch (dice_(6)) {
      case 0:
        return Operand(Value::null());
      case 1:
        return Operand(Value::boolean(chance(2)));
      case 2:
        return Operand(Value::number(kReals[dice_(kReals.size())]));
      case 3:
        digits_.clear();
        return Operand(json_number(one_of(kNumbers), digits_).value());
      default:
        return Operand(Value::string(word()));
    }
  }
  Condition condition() {
    Condition made{.subject = static_cast<Subject>(dice_(4)), .op = Op::eq, .operands = {}};
    if (made.subject == Subject::size) {
      static constexpr std::array kOps{Op::gt, Op::gte, Op::lt, Op::lte};
      made.op = kOps[dice_(kOps.size())];
      made.operands = {Operand(Value::natural(dice_(30)))};
    } else if (made.subject == Subject::json) {
      json_condition(made);
    } else {
      static constexpr std::array kOps{Op::eq, Op::prefix, Op::suffix, Op::contains, Op::regex};
      made.op = kOps[dice_(kOps.size())];
      made.operands = {Operand(Value::string(word()))};
      if (made.subject == Subject::meta) made.name = name();
    }
    if (made.op == Op::regex) made.regex = regexes_.compile(std::string(one_of(kPatterns))).regex;
    return made;
  }
  void json_condition(Condition& made) {
    static constexpr std::array kOps{Op::eq, Op::eq,  Op::ne, Op::gt,    Op::gte,
                                     Op::lt, Op::lte, Op::in, Op::regex, Op::exists};
    made.op = kOps[dice_(kOps.size())];
    made.pointer = std::get<Pointer>(parse_pointer(one_of(kPointers)));
    made.operands = {made.op == Op::exists ? Operand(Value::boolean(chance(2))) : operand()};
    for (auto n = made.op == Op::in ? dice_(4) : 0; n > 0; --n) made.operands.push_back(operand());
  }
  Rule rule(int depth) {
    Rule made;
    for (auto n = depth < 2 || chance(4) ? dice_(3) : 1; n > 0; --n)
      made.conditions.push_back(condition());
    if (depth == 0) return made;
    if (chance(6)) made.all = rules(depth);
    if (chance(4)) made.any = rules(depth);
    if (chance(4)) made.none = {rule(depth - 1)};
    return made;
  }
  std::vector<Rule> rules(int depth) {
    std::vector<Rule> made;
    for (auto n = 1 + dice_(3); n > 0; --n) made.push_back(rule(depth - 1));
    return made;
  }

  Dice& dice_;
  RegexCache regexes_;
  std::string digits_;
};

}  // namespace standpipe::match
