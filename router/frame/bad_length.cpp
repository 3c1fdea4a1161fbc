// SPDX-License-Identifier: Apache-2.0
#include "frame/bad_length.h"

#include <standpipe/wire.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace standpipe::frame {
namespace {

constexpr std::size_t kHeader = STANDPIPE_WIRE_HEADER_BYTES;

std::uint64_t big_endian(std::span<const std::byte> header) {
  std::uint64_t length = 0;
  for (const auto byte : header.first(kHeader))
    length = length << 8 | std::to_integer<unsigned>(byte);
  return length;
}

// "\0h\0e": such a length would be small enough, and is text of 16 bits a character.
bool is_wide_text(std::span<const std::byte> header) {
  const auto is_printable = [](std::byte b) { return b >= std::byte{0x20} && b < std::byte{0x7f}; };
  return header[0] == std::byte{0} && header[2] == std::byte{0} && is_printable(header[1]) &&
         is_printable(header[3]);
}

// The first payload's bytes, if all that came can be frames with big-endian lengths.
std::optional<std::uint64_t> read_as_big_endian(std::span<const std::byte> bytes,
                                                std::uint64_t payload_max) {
  if (bytes.size() < kHeader || is_wide_text(bytes)) return std::nullopt;
  const auto first = big_endian(bytes);
  while (bytes.size() >= kHeader) {
    const auto length = big_endian(bytes);
    if (length > payload_max) return std::nullopt;
    bytes = bytes.subspan(kHeader + std::min<std::uint64_t>(length, bytes.size() - kHeader));
  }
  return first;
}

constexpr std::string_view kOneWrite =
    "where several programs write at once, write each frame with one write of at most 4,096 bytes, "
    "or lock the FIFO (flock) while "
    "a larger one is written; `standpipe send` does both";

}  // namespace

BadLength explain_bad_length(std::span<const std::byte> head, std::uint64_t payload_max,
                             bool after_frames, const std::string& raise_limit) {
  const auto length = head.first(std::min(kHeader, head.size()));
  const std::string_view text(reinterpret_cast<const char*>(length.data()), length.size());
  if (is_printable_ascii(text)) {
    const auto is_text = "its length is the text \"" + escaped(text) + "\": ";
    if (after_frames)
      return {is_text +
                  "a writer prints text between its frames, or several write at once and their "
                  "frames are mixed",
              "keep other output out of the FIFO; " + std::string(kOneWrite)};
    return {
        is_text + "a writer sends plain text, not frames",
        "use `standpipe send`, or put 4 bytes with the length (little endian) before each message"};
  }
  if (const auto swapped = read_as_big_endian(head, payload_max))
    return {"in the other byte order (big endian) its length is " + thousands(*swapped) +
                ", which is within the limit",
            "write lengths as 4 bytes, little endian (Python \"<I\", Go binary.LittleEndian, Java "
            "ByteOrder.LITTLE_ENDIAN)"};
  if (after_frames)
    return {
        "whole frames came before it: it is too large, or several write at once and their frames "
        "are mixed",
        std::string(kOneWrite) + "; for larger messages " + raise_limit};
  return {"", "look at its writers, or " + raise_limit};
}

}  // namespace standpipe::frame
