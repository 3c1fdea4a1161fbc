// SPDX-License-Identifier: Apache-2.0
#include "match/prefix_trie.h"

#include <algorithm>
#include <utility>

namespace standpipe::match {

void PrefixTrie::add(std::string_view prefix, std::uint32_t value) {
  std::uint32_t at = 0;
  while (!prefix.empty()) {
    auto next = child(nodes_[at], prefix[0]);
    if (next == kNone) {
      next = make(prefix);
      connect(at, next);
    }
    const auto& label = nodes_[next].label;
    const auto same = static_cast<std::size_t>(
        std::mismatch(label.begin(), label.end(), prefix.begin(), prefix.end()).first -
        label.begin());
    if (same < label.size()) split(next, same);
    prefix.remove_prefix(same);
    at = next;
  }
  nodes_[at].values.push_back(value);
}

std::uint32_t PrefixTrie::make(std::string_view label) {
  nodes_.push_back({.label = std::string(label)});
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void PrefixTrie::connect(std::uint32_t from, std::uint32_t to) {
  auto& node = nodes_[from];
  const auto first = static_cast<unsigned char>(nodes_[to].label[0]);
  if (node.next.empty()) node.lowest = first;
  if (first < node.lowest) {
    node.next.insert(node.next.begin(), std::size_t{node.lowest} - first, kNone);
    node.lowest = first;
  }
  const auto at = std::size_t{first} - node.lowest;
  if (at >= node.next.size()) node.next.resize(at + 1, kNone);
  node.next[at] = to;
}

// The node keeps the first `at` bytes of its label, and gets a child with the rest and all that it
// had.
void PrefixTrie::split(std::uint32_t id, std::size_t at) {
  const auto rest = make(nodes_[id].label.substr(at));
  auto& node = nodes_[id];
  nodes_[rest].values = std::exchange(node.values, {});
  nodes_[rest].next = std::exchange(node.next, {});
  nodes_[rest].lowest = node.lowest;
  node.label.resize(at);
  connect(id, rest);
}

}  // namespace standpipe::match
