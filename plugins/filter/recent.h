// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>

#include "common/hash.h"

// What was seen lately, to find duplicates: at most so many texts, each for so long after the first
// message that had it. A text is kept as 128 bits of hash, under a key that nobody outside knows,
// so that no sender can make another's message look like a duplicate; about 100 bytes of memory
// each.
class Recent {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  struct Limits {
    nanoseconds window;
    std::size_t count;
  };
  // Which message it was that had the text.
  struct Message {
    std::uint64_t source;  // a hash of its name
    std::uint64_t sequence;
    nanoseconds time;
    bool operator==(const Message&) const = default;
  };

  explicit Recent(Limits limits);
  // Another message had the text within the window. If none had, this one has it from now on. The
  // same message may come again, after a retry: it is no duplicate of itself.
  bool is_duplicate(std::string_view text, const Message& message);

 private:
  using Id = std::array<std::uint64_t, 2>;
  struct IdHash {
    std::size_t operator()(const Id& id) const { return static_cast<std::size_t>(id[0]); }
  };
  void forget(nanoseconds now);

  Limits limits_;
  common::HashKey keys_[2];
  std::unordered_map<Id, Message, IdHash> messages_;
  std::deque<Id> order_;  // the oldest first
};
