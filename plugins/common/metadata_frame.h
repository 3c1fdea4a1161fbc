// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace common {

// A text in a frame: its length (4 bytes, little endian) and its bytes, as the frames of a FIFO
// are.
void append_text(std::string& frame, std::string_view text);
// The first one, which is taken off the rest. nullopt: there is none, or it is truncated.
std::optional<std::string_view> take_text(std::string_view& rest);

// A frame of metadata is name, value, name, value ..., each such a text.
void append_pair(std::string& frame, std::string_view name, std::string_view value);
void append_pairs(std::string& frame, std::span<const standpipe_pair> pairs);
// Appends the pairs, which are borrowed from the frame. false: it is no such frame.
bool read_pairs(std::string_view frame, std::vector<standpipe_pair>& pairs);

}  // namespace common
