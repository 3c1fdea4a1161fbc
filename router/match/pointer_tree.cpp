// SPDX-License-Identifier: Apache-2.0
#include "match/pointer_tree.h"

#include <algorithm>

namespace standpipe::match {

PointerTree::NodeId PointerTree::add(const Pointer& pointer) {
  NodeId at = kRoot;
  for (const auto& token : pointer.tokens) {
    if (const auto known = child(at, token)) {
      at = *known;
      continue;
    }
    const auto next = static_cast<NodeId>(nodes_.size());
    nodes_.emplace_back();
    auto& node = nodes_[at];
    node.children.push_back({token, next});
    if (const auto number = element_of(token)) {
      const auto before = std::find_if(node.elements.begin(), node.elements.end(),
                                       [&](const Element& e) { return e.number > *number; });
      node.elements.insert(before, {*number, next});
    }
    if (node.children.size() > kManyChildren + 1)
      node.by_name.emplace(token, next);
    else if (node.children.size() > kManyChildren)
      for (const auto& c : node.children) node.by_name.emplace(c.name, c.node);
    at = next;
  }
  nodes_[at].is_wanted = true;
  return at;
}

std::optional<PointerTree::NodeId> PointerTree::child(NodeId id, std::string_view name) const {
  const auto& node = nodes_[id];
  if (node.children.size() > kManyChildren) {
    const auto found = node.by_name.find(name);
    return found == node.by_name.end() ? std::nullopt : std::optional(found->second);
  }
  for (const auto& c : node.children)
    if (c.name == name) return c.node;
  return std::nullopt;
}

}  // namespace standpipe::match
