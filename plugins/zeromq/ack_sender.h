// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/taken_window.h"
#include "common/wake.h"
#include "flight.h"
#include "socket.h"

// When to send again what has no answer: after pauses that double as long as none comes.
class ResendTimer {
 public:
  explicit ResendTimer(std::chrono::nanoseconds first) : first_(first), pause_(first) {}
  void start() { at_ = Clock::now() + pause_; }
  void answered();
  void back_off();
  void forget_pauses() { pause_ = first_; }
  bool is_due() const { return Clock::now() >= at_; }
  long milliseconds_left() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::nanoseconds first_, pause_;
  Clock::time_point at_;
};

// Sends batches over a DEALER and settles them by their answers, in a thread of its own, which
// alone uses the socket.
class AckSender {
 public:
  // Throws as Socket does. The window outlives it.
  AckSender(Socket& socket, common::TakenWindow& window, std::chrono::nanoseconds resend_ivl,
            bool has_metadata);
  ~AckSender();
  AckSender(const AckSender&) = delete;
  AckSender& operator=(const AckSender&) = delete;

  void push(SentBatch batch);
  // Throws standpipe::disconnected or fatal if the thread has ended.
  void check();

 private:
  void run();
  void serve();
  bool take_pushed();
  bool send();
  void wait(bool has_unsent);
  void receive();
  void follow_connections();
  void give_up(std::string why, bool is_fatal);

  Socket& socket_;
  common::TakenWindow& window_;
  Flight flight_;
  ResendTimer timer_;
  unsigned connections_ = 0;
  common::Wake wake_;
  std::mutex mutex_;
  std::vector<SentBatch> pushed_;
  bool is_over_ = false;
  std::string failure_;
  bool is_fatal_ = false;
  std::thread thread_;
};
