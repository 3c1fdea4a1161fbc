// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "library.h"

namespace nats {

// How many messages a pull consumer was asked for and has still to send. One request follows
// another before the first is used up, so that a round trip is no pause; a request that expires, or
// that the server ends otherwise, says how many of its messages will not come.
class Requests {
 public:
  using Clock = std::chrono::steady_clock;

  struct Bounds {
    int messages;        // asked for, and not put into the hub yet
    std::int64_t bytes;  // of one request
  };
  explicit Requests(Bounds bounds) : bounds_(bounds) {}

  // How many to ask for; 0: none now.
  int wanted() const;
  // The body of that request.
  std::string ask(int messages, Clock::time_point now);
  // A message has come, and has been put into the hub.
  void received() { open_ -= open_ > 0; }
  // What the server says instead of a message. Returns why the consumer is of no use any more;
  // empty: it is.
  std::string status(natsMsg* message);
  // Nothing was said after a request must have expired.
  bool is_silent(Clock::time_point now) const;

 private:
  Bounds bounds_;
  int open_ = 0;
  Clock::time_point asked_{};
};

}  // namespace nats
