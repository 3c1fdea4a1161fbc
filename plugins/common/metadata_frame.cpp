// SPDX-License-Identifier: Apache-2.0
#include "common/metadata_frame.h"

#include <standpipe/wire.h>

#include <cstdint>

namespace common {

void append_text(std::string& frame, std::string_view text) {
  std::uint8_t head[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(head, static_cast<std::uint32_t>(text.size()));
  frame.append(reinterpret_cast<const char*>(head), sizeof head).append(text);
}

std::optional<std::string_view> take_text(std::string_view& rest) {
  if (rest.size() < STANDPIPE_WIRE_HEADER_BYTES) return std::nullopt;
  const auto length = standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(rest.data()));
  rest.remove_prefix(STANDPIPE_WIRE_HEADER_BYTES);
  if (length > rest.size()) return std::nullopt;
  const auto text = rest.substr(0, length);
  rest.remove_prefix(length);
  return text;
}

void append_pair(std::string& frame, std::string_view name, std::string_view value) {
  append_text(frame, name);
  append_text(frame, value);
}

void append_pairs(std::string& frame, std::span<const standpipe_pair> pairs) {
  for (const auto& pair : pairs)
    append_pair(frame, standpipe::detail::view(pair.name), standpipe::detail::view(pair.value));
}

bool read_pairs(std::string_view frame, std::vector<standpipe_pair>& pairs) {
  while (!frame.empty()) {
    const auto name = take_text(frame);
    const auto value = name ? take_text(frame) : std::nullopt;
    if (!value || pairs.size() >= STANDPIPE_META_PAIRS_MAX) return false;
    pairs.push_back(standpipe::Pair(*name, *value));
  }
  return true;
}

}  // namespace common
