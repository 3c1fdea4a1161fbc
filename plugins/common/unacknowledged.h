// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace common {

// What a source has brought and not acknowledged to its peer yet: the hub's sequence of a message,
// and the peer's name for it. Both grow in the order in which messages were brought. The source
// bounds it by what the peer sends without an acknowledgement. One thread at a time.
template <class Name>
class Unacknowledged {
 public:
  void add(std::uint64_t sequence, Name name) { messages_.push_back({sequence, std::move(name)}); }
  // All up to this sequence are safe (a source's `committed`): calls acknowledge(name) for each.
  template <class Acknowledge>
  void release(std::uint64_t sequence, Acknowledge&& acknowledge) {
    for (; !messages_.empty() && messages_.front().sequence <= sequence; messages_.pop_front())
      acknowledge(messages_.front().name);
  }
  bool empty() const { return messages_.empty(); }
  std::size_t size() const { return messages_.size(); }
  void clear() { messages_.clear(); }

 private:
  struct Brought {
    std::uint64_t sequence;
    Name name;
  };
  std::deque<Brought> messages_;
};

}  // namespace common
