// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>

#include "common/hash.h"

inline std::uint64_t random_seed() { return std::random_device()(); }

// How long to wait after so many attempts: 100 ms, doubled each time and 2 s at most, less a random
// part of up to a half.
inline std::chrono::milliseconds backoff(std::size_t attempts, std::uint64_t& random) {
  constexpr std::int64_t kFirst = 100, kMost = 2000;
  const auto most = attempts > 5 ? kMost : kFirst << (attempts > 0 ? attempts - 1 : 0);
  const auto less = static_cast<std::int64_t>(common::next_random(random) % 1000);
  return std::chrono::milliseconds(most - most * less / 2000);
}
