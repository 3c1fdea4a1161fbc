// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "match/pointer.h"
#include "match/value.h"

namespace standpipe::match {

// Many pointers as one tree, so that one walk of a document finds what all of them lead to. A
// pointer is known by its node.
class PointerTree {
 public:
  using NodeId = std::uint32_t;
  static constexpr NodeId kRoot = 0;
  // A child whose name is the number of an element, too.
  struct Element {
    std::size_t number;
    NodeId node;
  };

  PointerTree() : nodes_(1) {}
  NodeId add(const Pointer& pointer);
  std::size_t size() const { return nodes_.size(); }
  bool is_wanted(NodeId node) const { return nodes_[node].is_wanted; }  // a pointer ends there
  bool goes_on(NodeId node) const { return !nodes_[node].children.empty(); }
  // In the order of their numbers.
  std::span<const Element> elements(NodeId node) const { return nodes_[node].elements; }
  // nullopt: no pointer goes on so.
  std::optional<NodeId> child(NodeId node, std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Child {
    std::string name;
    NodeId node;
  };
  struct Node {
    bool is_wanted = false;
    std::vector<Child> children;
    std::vector<Element> elements;
    std::unordered_map<std::string, NodeId, Hash, std::equal_to<>> by_name;  // if there are many
  };
  static constexpr std::size_t kManyChildren = 8;

  std::vector<Node> nodes_;
};

// What a tree's pointers lead to in one document after the other.
class FoundValues {
 public:
  // Forgets the last document.
  void begin(const PointerTree& tree) {
    if (seen_.size() < tree.size()) {
      seen_.resize(tree.size());
      values_.resize(tree.size());
      below_.resize(tree.size());
    }
    ++document_;
    wanted_.clear();
    visited_.clear();
  }
  // The walk goes to a node, and comes back from all that is below it. If it was there before, a
  // key occurs twice, and what was found below the earlier one is forgotten.
  void enter(PointerTree::NodeId node) {
    if (std::exchange(seen_[node], document_) == document_)
      for (auto i = below_[node].begin; i < below_[node].end; ++i) seen_[visited_[i]] = 0;
    visited_.push_back(node);
    below_[node] = {visited_.size(), visited_.size()};
  }
  void leave(PointerTree::NodeId node) { below_[node].end = visited_.size(); }
  void set(PointerTree::NodeId node, const Value& value) {
    values_[node] = value;
    wanted_.push_back(node);
  }
  Value value(PointerTree::NodeId node) const {
    return seen_[node] == document_ ? values_[node] : Value();
  }
  // Nodes with a value; one may be there twice, and one that was forgotten may be there.
  std::span<const PointerTree::NodeId> wanted() const { return wanted_; }

 private:
  std::uint64_t document_ = 0;
  std::vector<std::uint64_t> seen_;  // in which document
  std::vector<Value> values_;
  std::vector<PointerTree::NodeId> wanted_;
  struct Range {
    std::size_t begin, end;
  };
  std::vector<PointerTree::NodeId> visited_;  // in the walk's order
  std::vector<Range> below_;                  // of a node, in visited_
};

}  // namespace standpipe::match
