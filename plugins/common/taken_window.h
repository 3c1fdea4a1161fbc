// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

namespace common {

// Messages that a handler has taken and sent, and that its peer has not acknowledged yet, in the
// order in which they were sent. They are settled in that order, too: what is acknowledged behind
// one that is not, waits for it. So after a death or a lost connection the peer gets again all from
// the first unacknowledged message on, and never an old one behind a new one that it keeps.
//
// Any thread may call any of it. Memory: about 48 bytes a message.
class TakenWindow {
 public:
  using Clock = std::chrono::steady_clock;
  using Number = std::uint64_t;  // of a message since clear, from 1

  // No room beyond so many messages, or bytes of payload; one message alone may have more bytes.
  TakenWindow(standpipe::Host host, std::size_t messages_max, std::size_t bytes_max);

  // Waits for room for one more message. false: there was none by then, or it was interrupted.
  bool wait_for_room(std::size_t bytes, Clock::time_point until);
  Number add(const standpipe::Taken& message, std::size_t bytes);

  // A number that is not open any more is ignored: some peers acknowledge twice.
  void settle(Number number, standpipe::Outcome outcome, std::string_view why = {});
  void deliver(Number number) { settle(number, standpipe::Outcome::delivered); }
  void deliver_up_to(Number number);

  // For flush. false: something was still open by then, or it was interrupted.
  bool wait_until_empty(Clock::time_point until);
  // The connection is lost, and whoever asks for the reason has it: whoever waits is to return, and
  // the host calls tick soon.
  void interrupt();
  // Forgets all, at close: the host redelivers what was not settled. Numbers begin again.
  void clear();

  std::size_t messages() const;
  std::size_t bytes() const;

 private:
  struct Sent {
    standpipe::Taken message;
    std::size_t bytes = 0;
    standpipe::Outcome outcome = standpipe::Outcome::taken;  // as long as it is open
    std::string why = {};
  };
  bool has_room(std::size_t bytes) const;
  void settle_front();

  standpipe::Host host_;
  std::size_t messages_max_, bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Sent> sent_;
  Number first_ = 1;  // of sent_'s front
  std::size_t bytes_ = 0;
  bool is_interrupted_ = false;
};

}  // namespace common
