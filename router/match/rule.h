// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "match/pointer.h"
#include "match/regex.h"
#include "match/value.h"

namespace standpipe::match {

// Where a condition is written: "orders.yaml:66:25", in characters from 1.
struct Place {
  std::string file = {};
  std::size_t line = 0, column = 0;  // 0: it was not read from a file
  std::string text() const;          // empty then
};

// What a condition looks at.
enum class Subject : std::uint8_t {
  text,  // the payload's bytes
  json,  // a value of the payload as a JSON document
  meta,  // the values of one name in the message's metadata: one of them must do
  size,  // the payload's bytes, counted
};

enum class Op : std::uint8_t {
  eq,
  ne,  // it is there and is another
  prefix,
  suffix,
  contains,
  regex,
  gt,
  gte,
  lt,
  lte,
  in,
  exists,  // the operand is whether it should
};

// One condition: what `subject` has is compared with the operand. Bytes are compared, nothing is
// decoded but JSON's escapes. Numbers are ordered among numbers and strings among strings; what
// cannot be compared does not hold. A value that is missing fails all but `exists: false`.
struct Condition {
  Subject subject;
  Op op;
  std::vector<Operand> operands;            // one; `in`: any number; `regex`: the pattern
  std::string name = {};                    // of the metadata
  Pointer pointer = {};                     // into the JSON document
  std::shared_ptr<const Regex> regex = {};  // compiled
  Place place = {};

  std::string subject_text() const;  // "text", "/amount", "meta key", "size"
  std::string wanted_text() const;   // ">= 1000", "prefix \"ping\"", "one of 1, 2"
};

// `match:` as data. An empty rule matches every message; of the parts that are given, all must
// hold.
struct Rule {
  std::vector<Condition> conditions = {};     // all of them
  std::vector<Rule> all = {};                 // all of them
  std::optional<std::vector<Rule>> any = {};  // at least one of them
  std::vector<Rule> none = {};                // `not:` none of them
  bool empty() const { return conditions.empty() && all.empty() && !any && none.empty(); }
};

// A rule of one condition, without a place.
Rule text_rule(Op op, std::string_view wanted);  // no regex
Rule size_rule(Op op, std::uint64_t bytes);
Rule json_rule(std::string_view pointer, Op op, const Value& wanted);

// One route, its names resolved to places in the lists of sources and handlers.
struct RouteOptions {
  std::string name;               // "route 3" when it has none
  std::vector<std::size_t> from;  // sources
  Rule rule = {};
  std::vector<std::size_t> to;  // handlers
  bool final = false;           // what matched goes no further
};

}  // namespace standpipe::match
