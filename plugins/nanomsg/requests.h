// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

// Which requests a source has been sent, by the address to which its reply goes: connection and
// number of the request. A peer sends a request again when it has waited too long; that is no
// reason to bring its messages twice.
//
// Memory: the open ones, at most kOpenMost, and kRepliedMost to which it has replied.
class Requests {
 public:
  static constexpr std::size_t kOpenMost = 10'000, kRepliedMost = 4096;
  enum class Next {
    take,    // it is new
    ignore,  // it is open: its reply is to come
    reply    // it has had its reply, which was lost
  };

  Next receive(const std::string& address);
  void replied(const std::string& address);
  bool is_full() const { return states_.size() - replied_.size() >= kOpenMost; }
  void clear();

 private:
  enum class State { open, replied };
  std::unordered_map<std::string, State> states_;
  std::deque<std::string> replied_;  // the oldest first
};
