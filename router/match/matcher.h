// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "match/message.h"
#include "match/route_compiler.h"
#include "match/rule.h"

namespace standpipe::match {

// Decides which of one source's handlers want a frame. It is made once from the routes and is
// constant afterwards, but for the buffers that it shares with the others of its RouteCompiler: one
// thread uses them all.
//
// Handlers of a source are numbered from 0 as `bits` in a set, and keep their numbers from one
// configuration to the next (a handler has one bit however many routes name it, so it gets a
// message once). Routes are tried in their order; `final` ends that. A frame that no route wants
// goes to the unmatched handler, if there is one.
class Matcher {
 public:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  // `bits`: the handlers that have bits of this source already, which they keep, whether a route
  // leads to them or not; kNobody has those that are free.
  Matcher(std::size_t source, RouteCompiler& compiler, std::optional<std::size_t> unmatched,
          std::vector<std::size_t> bits = {}, std::uint64_t match_max = kMatchMaxDefault);
  // The same for one source alone. `routes` are all routes of the hub; those that do not come from
  // `source` are left out.
  Matcher(std::size_t source, const std::vector<RouteOptions>& routes,
          std::optional<std::size_t> unmatched, std::vector<std::size_t> bits = {},
          std::uint64_t match_max = kMatchMaxDefault);

  // The hub's handlers of the bits, in order; kNobody has those that are free.
  const std::vector<std::size_t>& handlers() const { return handlers_; }
  std::size_t words() const { return words_; }  // with room for one bit more at least
  // One more handler, to which no route leads: its bit. nullopt: there is no room for it.
  std::optional<std::size_t> add(std::size_t handler);
  // Every frame goes the same way, so `match` need not be called for each.
  bool constant() const { return index_->constant(); }

  // Writes the set of one message (words() words). Returns false when no route wanted it (the set
  // then has the unmatched handler or is empty).
  bool match(const Message& message, std::span<std::uint64_t> set) const;
  // Routes would look into a message of that size, if it were smaller.
  bool is_too_large(std::uint64_t size) const {
    return size > match_max_ && index_->looks_inside();
  }
  // Slow patterns were not tried on the message that was matched last, because it is too long.
  bool has_left_patterns() const { return workspace_->has_left_patterns; }
  const PatternCost& pattern_cost() const { return index_->pattern_cost(); }
  // The first of the hub's routes that takes such a message to that handler, now: nullopt: none
  // does, or it cannot be said without patterns that may be slow.
  std::optional<std::size_t> route_to(std::size_t handler, const Message& message) const;
  // The set is the unmatched handler alone, and no route of this source leads there: so no route
  // wanted what has it. For messages that come with the set that an earlier run found.
  bool only_unmatched(std::span<const std::uint64_t> set) const;

 private:
  Matcher(std::size_t source, RouteCompiler&& compiler, std::optional<std::size_t> unmatched,
          std::vector<std::size_t> bits, std::uint64_t match_max)
      : Matcher(source, compiler, unmatched, std::move(bits), match_max) {}
  std::size_t bit_of(std::size_t handler);
  void put(std::span<std::uint64_t> set, std::size_t handler);

  // To one handler.
  struct Leading {
    std::size_t routes = 0;
    std::size_t first = 0;  // of the index
  };

  std::vector<std::size_t> handlers_;
  std::size_t words_ = 1;
  std::uint64_t match_max_;
  std::shared_ptr<const RouteIndex> index_;
  std::shared_ptr<Workspace> workspace_;
  std::vector<std::uint64_t> sets_;   // words_ words for each route of the index
  std::vector<std::size_t> numbers_;  // of those, among the hub's
  std::vector<Leading> leading_;      // by bit
  std::vector<std::uint64_t> unmatched_;
  bool unmatched_has_route_ = false;
};

}  // namespace standpipe::match
