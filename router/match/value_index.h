// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "match/pattern_index.h"
#include "match/pointer_tree.h"
#include "match/value.h"

namespace standpipe::match {

// Finds routes by what a pointer leads to in a document. It borrows texts and patterns.
class ValueIndex {
 public:
  using NodeId = PointerTree::NodeId;

  void add_value(NodeId pointer, const Value& value, std::uint32_t route) {
    by_value_[pointer][value].push_back(route);
  }
  void add_pattern(NodeId pointer, const Regex& pattern, std::uint32_t route) {
    patterns_[pointer].add(pattern, route);
  }
  // When all were added.
  void compile(RegexMemory& memory) {
    for (auto& [pointer, patterns] : patterns_) patterns.compile(memory);
  }

  // Calls `each` with every route that is found by that value. false: it may not be wanted.
  template <class Each>
  bool find(NodeId pointer, const Value& value, std::vector<int>& buffer, Each each) const {
    if (const auto values = by_value_.find(pointer); values != by_value_.end())
      if (const auto found = values->second.find(value); found != values->second.end())
        for (const auto route : found->second) each(route);
    if (patterns_.empty() || !value.is_string()) return true;
    const auto patterns = patterns_.find(pointer);
    return patterns == patterns_.end() || patterns->second.find(value.text(), buffer, each);
  }

 private:
  struct Hash {
    std::size_t operator()(const Value& value) const {
      if (!value.text().empty()) return std::hash<std::string_view>{}(value.text());
      return (value.bits() ^ static_cast<std::uint64_t>(value.kind())) * 0x9e3779b97f4a7c15u;
    }
  };
  using ByValue = std::unordered_map<Value, std::vector<std::uint32_t>, Hash>;

  std::unordered_map<NodeId, ByValue> by_value_;
  std::unordered_map<NodeId, PatternIndex> patterns_;
};

}  // namespace standpipe::match
