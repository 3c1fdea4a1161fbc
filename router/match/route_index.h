// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "match/compiled_rule.h"
#include "match/message.h"
#include "match/pattern_cost.h"
#include "match/pattern_index.h"
#include "match/pointer_tree.h"
#include "match/regex.h"
#include "match/route_keys.h"
#include "match/rule.h"
#include "match/text_index.h"
#include "match/value_index.h"
#include "match/workspace.h"

namespace standpipe::match {

// A list of routes, compiled: its cost grows with the routes that may take a message, and hardly
// with those that cannot. Each route is found by its most selective necessary condition
// (KeyChooser):
//
//   equal payloads, and values at a pointer   by a hash
//   prefixes                                  by a trie
//   patterns                                  by one set, in one pass over the text
//
// Routes without such a condition are always candidates. Candidates are tried in their order, so
// that `final` holds, and the text, the patterns and the document are looked into only when the
// first route that needs it has its turn. Constant; any thread, with a Workspace of its own.
//
// Few routes are tried as they are: an index of three prefixes is slower than three comparisons.
class RouteIndex {
 public:
  RouteIndex(const std::vector<const RouteOptions*>& routes, RegexMemory& memory);
  RouteIndex(const RouteIndex&) = delete;
  RouteIndex& operator=(const RouteIndex&) = delete;

  std::size_t routes() const { return routes_.size(); }
  // Every message is taken by the same routes.
  bool constant() const { return constant_; }

  // Some route has a condition on the payload's content.
  bool looks_inside() const { return looks_inside_; }
  const PatternCost& pattern_cost() const { return pattern_cost_; }

  // The routes that take the message, in order, up to the first `final` one: in workspace.taken.
  void find(const Message& message, std::uint64_t match_max, Workspace& workspace) const;

 private:
  struct Route {
    Rule rule;
    bool final = false;
    bool is_its_key = false;  // who has its key has all that it asks for
    std::optional<CompiledRule> compiled = {};
    std::vector<RouteKey> keys = {};  // none: it is always a candidate
  };
  // Routes without keys: of 64, from word * 64.
  struct Always {
    std::size_t word;
    std::uint64_t routes;
  };
  enum class Stage : std::uint8_t { text, patterns, document };
  struct Turn {
    Stage stage;
    std::size_t first;  // route that needs it
  };

  void choose_keys();
  void drop_what_is_not_worth_it();
  void add_keys(std::uint32_t route);
  void add_key(const RouteKey& key, std::uint32_t route);
  void add_always(std::uint32_t route);
  void need(Stage stage, std::size_t route);

  void look_up(Stage stage, CompiledLook& look, Workspace& workspace) const;
  void look_up_document(CompiledLook& look, Workspace& workspace) const;
  bool takes(const Route& route, CompiledLook& look, const Workspace& workspace) const;
  void try_each(CompiledLook& look, Workspace& workspace) const;
  void find_candidates(CompiledLook& look, Workspace& workspace) const;
  bool ends_with(std::size_t route, CompiledLook& look, Workspace& workspace) const;

  std::vector<Route> routes_;
  bool constant_ = true;
  bool looks_inside_ = false;
  PatternCost pattern_cost_;
  PointerTree pointers_;
  std::vector<Always> always_;
  TextIndex texts_;
  PatternIndex patterns_;
  ValueIndex values_;
  std::vector<Turn> turns_;  // in the order of `first`
};

}  // namespace standpipe::match
