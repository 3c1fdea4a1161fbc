// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

// A place in a log. Bytes, messages and indexes are different things and do not mix.
namespace standpipe::log {

// Bytes since the log began. Only grows; survives trimming and the reuse of memory.
struct Position {
  std::uint64_t bytes = 0;
  auto operator<=>(const Position&) const = default;
  Position operator+(std::uint64_t n) const { return {bytes + n}; }
};
inline std::uint64_t operator-(Position a, Position b) { return a.bytes - b.bytes; }

// A message's number within its log, from 1.
struct Sequence {
  std::uint64_t number = 1;
  auto operator<=>(const Sequence&) const = default;
  Sequence operator+(std::uint64_t n) const { return {number + n}; }
};
inline std::uint64_t operator-(Sequence a, Sequence b) { return a.number - b.number; }

// A reader's place: the next frame that it has not passed. Always on a frame's boundary.
struct Cursor {
  Position position;
  Sequence sequence;
  auto operator<=>(const Cursor& other) const { return position <=> other.position; }
  bool operator==(const Cursor& other) const { return position == other.position; }
};

}  // namespace standpipe::log
