// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace standpipe::match {

// Finds which of many prefixes a text has, in the time that reading the longest of them takes. A
// path without branches is one node.
class PrefixTrie {
 public:
  PrefixTrie() : nodes_(1) {}
  void add(std::string_view prefix, std::uint32_t value);

  // Calls `each` with the value of every prefix that the text has.
  template <class Each>
  void find(std::string_view text, Each each) const {
    for (const Node* node = &nodes_[0];;) {
      for (const auto value : node->values) each(value);
      if (text.empty()) return;
      const auto next = child(*node, text[0]);
      if (next == kNone) return;
      node = &nodes_[next];
      if (!text.starts_with(node->label)) return;
      text.remove_prefix(node->label.size());
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0;  // the root is nobody's child
  struct Node {
    std::string label = {};  // on the way to it
    std::vector<std::uint32_t> values = {};
    unsigned char lowest = 0;              // first byte of a child's label
    std::vector<std::uint32_t> next = {};  // children by that, from `lowest` on
  };

  static std::uint32_t child(const Node& node, char first) {
    const auto at = static_cast<std::size_t>(static_cast<unsigned char>(first) - node.lowest);
    return at < node.next.size() ? node.next[at] : kNone;
  }
  std::uint32_t make(std::string_view label);
  void connect(std::uint32_t from, std::uint32_t to);
  void split(std::uint32_t node, std::size_t at);

  std::vector<Node> nodes_;
};

}  // namespace standpipe::match
