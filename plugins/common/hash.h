// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace common {

using HashKey = std::array<std::uint64_t, 2>;

// SipHash-2-4: who does not know the key cannot make two texts of one hash. The same on every
// machine.
std::uint64_t hash(const HashKey& key, std::string_view text);

// The next of a row of numbers that look random (SplitMix64): `state` is where the row is, and any
// number is a seed. Not for secrets.
inline std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  auto z = state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

}  // namespace common
