// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace standpipe::match {

// Routes that are to be tried, taken out in their order. Where there are thousands and few of them
// are in it, those that are not cost nothing.
class RouteQueue {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // For routes below that number. Empty afterwards.
  void begin(std::size_t routes) {
    const auto words = (routes + 63) / 64;
    if (bits_.size() < words) {
      bits_.resize(words);
      busy_.resize((words + 63) / 64);
    }
    for (auto route = first(); route != kNone; route = first()) remove_word(route / 64);
  }
  void add(std::size_t route) { add_word(route / 64, std::uint64_t{1} << (route % 64)); }
  // 64 of them: from word * 64.
  void add_word(std::size_t word, std::uint64_t routes) {
    bits_[word] |= routes;
    busy_[word / 64] |= std::uint64_t{1} << (word % 64);
  }
  // kNone: it is empty.
  std::size_t first() const {
    for (std::size_t i = 0; i < busy_.size(); ++i) {
      if (busy_[i] == 0) continue;
      const auto word = i * 64 + static_cast<std::size_t>(std::countr_zero(busy_[i]));
      return word * 64 + static_cast<std::size_t>(std::countr_zero(bits_[word]));
    }
    return kNone;
  }
  // The first one.
  void remove(std::size_t route) {
    const auto word = route / 64;
    bits_[word] &= bits_[word] - 1;
    if (bits_[word] == 0) remove_word(word);
  }

 private:
  void remove_word(std::size_t word) {
    bits_[word] = 0;
    busy_[word / 64] &= ~(std::uint64_t{1} << (word % 64));
  }

  std::vector<std::uint64_t> bits_;  // a route each
  std::vector<std::uint64_t> busy_;  // a word of bits_ each, that is not 0
};

}  // namespace standpipe::match
