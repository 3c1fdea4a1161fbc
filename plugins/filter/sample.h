// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// A share of all texts, "1/100" or "2.5%", chosen by their hashes: the same ones in every hub, at
// every attempt and after every start. A larger share has all that a smaller one has.
class Sample {
 public:
  // Throws standpipe::fatal that names the option.
  explicit Sample(std::string_view text);
  bool has(std::string_view text) const;

 private:
  std::uint64_t end_;  // hashes below it are in; UINT64_MAX: all
};
