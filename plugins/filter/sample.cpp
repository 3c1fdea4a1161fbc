// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/hash.h"

namespace {

constexpr common::HashKey kKey{0, 0};  // for ever: who samples elsewhere finds the same messages

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> share(std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = number(text.substr(0, text.size() - 1));
    return percent ? std::optional(*percent / 100) : std::nullopt;
  }
  if (!text.starts_with("1/")) return std::nullopt;
  const auto n = number(text.substr(2));
  return n && *n >= 1 && std::floor(*n) == *n ? std::optional(1 / *n) : std::nullopt;
}

}  // namespace

Sample::Sample(std::string_view text) {
  const auto part = share(text);
  if (!part || !(*part > 0) || *part > 1)
    throw standpipe::fatal("sample: '" + std::string(text) +
                           "' is no share; write 1/N, as in 1/100, or a percentage above 0% and up "
                           "to 100%, as in 2.5%");
  constexpr double kHashes = 18446744073709551616.0;  // 2^64
  end_ = *part < 1 ? static_cast<std::uint64_t>(*part * kHashes) : UINT64_MAX;
}

bool Sample::has(std::string_view text) const {
  return end_ == UINT64_MAX || common::hash(kKey, text) < end_;
}
