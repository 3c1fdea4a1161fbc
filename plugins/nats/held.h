// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "library.h"

namespace nats {

// The messages that a consumer has delivered and that are not acknowledged, in the order in which
// they came: first those that wait to be put into the hub, then those that the hub does not call
// safe yet, of which only the reply subject is left. They outlive a lost connection, since the
// server still waits for their acknowledgement. Any thread may call any of it.
class Held {
 public:
  using Messages = std::deque<Owned<natsMsg>>;

  void add(Messages messages);
  // Calls put(message) for one after the other: a sequence of the hub, 0 for a message that is done
  // with, or kStay, which ends it.
  static constexpr std::uint64_t kStay = ~std::uint64_t{0};
  template <class Put>
  void put_each(Put&& put) {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty()) {
      auto& [message, number] = waiting_.front();
      const auto sequence = put(message.get());
      if (sequence == kStay) return;
      if (sequence != 0) put_.push_back({sequence, number, natsMsg_GetReply(message.get())});
      waiting_.pop_front();
    }
  }
  // Calls acknowledge(reply subject) for each that the hub calls safe.
  template <class Acknowledge>
  void release(std::uint64_t sequence, Acknowledge&& acknowledge) {
    const std::lock_guard lock(mutex_);
    for (; !put_.empty() && put_.front().sequence <= sequence; put_.pop_front())
      acknowledge(put_.front().reply);
  }
  // Takes out those that were not put: their reply subjects.
  std::vector<std::string> give_up_waiting();
  // The reply subjects of all that were held at the previous call, too.
  std::vector<std::string> held_since_last_call();
  void clear();

 private:
  struct Waiting {
    Owned<natsMsg> message;
    std::uint64_t number;
  };
  struct Put {
    std::uint64_t sequence, number;
    std::string reply;
  };

  std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::deque<Put> put_;
  std::uint64_t last_ = 0;  // number of the message that came last
  std::uint64_t last_at_call_ = 0;
};

// Is it one of a stream's? Else the server says something about a request.
bool is_of_stream(natsMsg* message);

}  // namespace nats
