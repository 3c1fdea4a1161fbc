// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

// Numbers and short texts as bytes of a file. Numbers are little endian on every machine; a text is
// its length (u16) followed by its bytes.
namespace standpipe {

class ByteWriter {
 public:
  // For so many, with one allocation.
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  template <std::unsigned_integral T>
  ByteWriter& number(T n) {
    std::array<std::byte, sizeof(T)> bytes;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes[i] = static_cast<std::byte>((n >> (8 * i)) & 0xff);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // Texts longer than 65,535 bytes are cut.
  ByteWriter& text(std::string_view text) {
    text = text.substr(0, 0xffff);
    number(static_cast<std::uint16_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Reads bytes that may be anything: when they end too early, the rest reads as zero and ok() is
// false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    std::uint64_t n = 0;
    const auto bytes = next_bytes(sizeof(T));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      n |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    return static_cast<T>(n);
  }
  // Valid as long as the bytes.
  std::string_view text() {
    const auto bytes = next_bytes(number<std::uint16_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool has_more() const { return !rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::span<const std::byte> next_bytes(std::size_t n) {
    ok_ = ok_ && n <= rest_.size();
    if (!ok_) return {};
    const auto taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace standpipe
