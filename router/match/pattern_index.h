// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "match/regex.h"

namespace standpipe::match {

// Finds routes by the patterns that match in one text, each pattern once. It borrows the patterns,
// none of which may be slow: such a one is tried where its route has its turn.
class PatternIndex {
 public:
  void add(const Regex& pattern, std::uint32_t route);
  // When all were added.
  void compile(RegexMemory& memory);
  bool is_empty() const { return patterns_.empty(); }

  // Calls `each` with every route that may be wanted. false: these are all there are, because
  // nobody can tell which. `found` is a buffer.
  template <class Each>
  bool find(std::string_view text, std::vector<int>& found, Each each) const {
    const bool is_certain = set_ && set_->find(text, found);
    if (is_certain) {
      for (const auto pattern : found)
        for (const auto route : routes_[static_cast<std::size_t>(pattern)]) each(route);
      return true;
    }
    for (const auto& routes : routes_)
      for (const auto route : routes) each(route);
    return patterns_.empty();
  }

 private:
  std::vector<const Regex*> patterns_;
  std::vector<std::vector<std::uint32_t>> routes_;  // of each
  std::unique_ptr<RegexSet> set_;
};

}  // namespace standpipe::match
