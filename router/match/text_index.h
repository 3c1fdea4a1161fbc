// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "match/prefix_trie.h"

namespace standpipe::match {

// Finds routes by what a payload is, or begins with. It borrows the texts.
class TextIndex {
 public:
  void add_whole(std::string_view text, std::uint32_t route) {
    whole_[text].push_back(route);
    whole_bytes_max_ = std::max(whole_bytes_max_, text.size());
  }
  void add_prefix(std::string_view prefix, std::uint32_t route) { prefixes_.add(prefix, route); }

  // Calls `each` with every route that is found.
  template <class Each>
  void find(std::string_view text, Each each) const {
    // A longer text is none of them, so it need not be hashed.
    if (!whole_.empty() && text.size() <= whole_bytes_max_)
      if (const auto found = whole_.find(text); found != whole_.end())
        for (const auto route : found->second) each(route);
    prefixes_.find(text, each);
  }

 private:
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> whole_;
  std::size_t whole_bytes_max_ = 0;
  PrefixTrie prefixes_;
};

}  // namespace standpipe::match
