// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "match/evaluate.h"
#include "match/message.h"
#include "match/pointer_tree.h"
#include "match/rule.h"
#include "match/workspace.h"

namespace standpipe::match {

// A message while compiled rules are tried on it. One walk of its document finds the values of all
// pointers that any rule has.
class CompiledLook {
 public:
  CompiledLook(const Message& message, const LookLimits& limits, const PointerTree& pointers,
               Workspace& workspace)
      : look_(message, workspace.json, limits), pointers_(pointers), values_(workspace.values) {}

  Look& look() { return look_; }
  // false: there is no document to look into.
  bool has_document() {
    if (!is_walked_) walk();
    return has_document_;
  }
  Value value(PointerTree::NodeId pointer) const { return values_.value(pointer); }

 private:
  void walk();

  Look look_;
  const PointerTree& pointers_;
  FoundValues& values_;
  bool is_walked_ = false;
  bool has_document_ = false;
};

// A rule as it is tried on each message: cheap conditions first, pointers by their nodes. It
// borrows the rule that it was made from.
class CompiledRule {
 public:
  CompiledRule(const Rule& rule, PointerTree& pointers);
  Truth evaluate(CompiledLook& look) const;

 private:
  struct Leaf {
    const Condition* condition;
    Subject subject;  // the condition's, at hand
    Op op;
    PointerTree::NodeId pointer = PointerTree::kRoot;
    Value wanted = {};  // its first operand
  };
  static Truth evaluate(const Leaf& leaf, CompiledLook& look);
  static Truth text(const Leaf& leaf, Look& look);
  Truth any(CompiledLook& look) const;

  std::vector<Leaf> leaves_;
  bool has_leaves_only_ = false;
  std::vector<CompiledRule> all_;
  std::optional<std::vector<CompiledRule>> any_;
  std::vector<CompiledRule> none_;
};

}  // namespace standpipe::match
