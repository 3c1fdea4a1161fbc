// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_index.h"

#include <algorithm>
#include <iterator>

namespace standpipe::match {

void PatternIndex::add(const Regex& pattern, std::uint32_t route) {
  const auto known = std::find_if(patterns_.begin(), patterns_.end(), [&](const Regex* other) {
    return other->pattern() == pattern.pattern();
  });
  const auto at = static_cast<std::size_t>(std::distance(patterns_.begin(), known));
  if (known == patterns_.end()) {
    patterns_.push_back(&pattern);
    routes_.emplace_back();
  }
  routes_[at].push_back(route);
}

void PatternIndex::compile(RegexMemory& memory) {
  if (!patterns_.empty()) set_ = RegexSet::make(patterns_, memory.take());
}

}  // namespace standpipe::match
