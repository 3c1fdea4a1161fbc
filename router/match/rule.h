// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace standpipe::match {

// Conditions on a payload as text: each that is given must hold. Bytes are compared, nothing is decoded.
struct TextRule {
  std::optional<std::string> equals = {}, prefix = {}, suffix = {}, contains = {};
};

// Conditions on the payload's size in bytes: each that is given must hold.
struct SizeRule {
  std::optional<std::uint64_t> gt = {}, gte = {}, lt = {}, lte = {};
};

// `match:` as data. An empty rule matches every message; of the parts that are given, all must hold.
struct Rule {
  std::optional<TextRule> text = {};
  std::optional<SizeRule> size = {};
  std::vector<Rule> all = {};                 // all of them
  std::optional<std::vector<Rule>> any = {};  // at least one of them
  std::vector<Rule> none = {};                // `not:` none of them
  bool empty() const { return !text && !size && all.empty() && !any && none.empty(); }
};

// One route, its names resolved to places in the lists of sources and handlers.
struct RouteOptions {
  std::string name;               // "route 3" when it has none
  std::vector<std::size_t> from;  // sources
  Rule rule = {};
  std::vector<std::size_t> to;  // handlers
  bool final = false;           // what matched goes no further
};

}  // namespace standpipe::match
