// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace standpipe {

// SHA-256 (FIPS 180-4), to recognise a file by its content. Our own, because no library that a hub
// links has it, and a library for it alone would be in every hub's memory for what it does once. It
// is plain C++ and takes some 5 ns a byte; nothing in it is secret, so its time may depend on data.
class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;
  using Digest = std::array<std::uint8_t, kBytes>;

  void add(std::span<const std::byte> bytes);
  // Of all that was added. Nothing may be added afterwards.
  Digest digest();

 private:
  static constexpr std::size_t kBlock = 64;
  void take(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlock> block_ = {};
  std::uint64_t bytes_ = 0;  // added so far
};

// As `sha256sum` prints it.
std::string hex_of(const Sha256::Digest& digest);

}  // namespace standpipe
