// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/taken_window.h"
#include "common/wake.h"
#include "socket.h"

// What one request has.
struct Request {
  std::string packet = {};
  common::TakenWindow::Number first = 0;
  std::size_t messages = 0;
};

// Sends requests, one at a time on each of its sockets, and settles their messages when the replies
// come, in a thread of its own. libnanomsg sends again what is not replied to.
//
// To settle a message wakes the host's process twice, which takes longer than a request and its
// reply. So what was replied to is settled for up to 256 messages together, after 1 ms at the
// latest, and at once where there is nothing else to send.
class ReqSender {
 public:
  // Throws as Socket does. The window outlives it.
  ReqSender(const SocketSettings& settings, std::size_t sockets, standpipe::Host host,
            common::TakenWindow& window);
  ~ReqSender();
  ReqSender(const ReqSender&) = delete;
  ReqSender& operator=(const ReqSender&) = delete;

  void push(Request request);
  // Throws standpipe::disconnected if the thread has ended.
  void check();

 private:
  struct Slot {
    Socket socket;
    std::optional<Request> open = std::nullopt;  // sent, and without a reply
  };
  void run();
  bool take_pushed();
  void send();
  void wait();
  void receive();
  void settle();
  void settle_if_due();

  common::TakenWindow& window_;
  std::vector<Slot> slots_;
  std::deque<Request> waiting_;
  std::vector<common::TakenWindow::Number> replied_;  // and not settled
  common::TakenWindow::Clock::time_point replied_since_;
  common::Wake wake_;
  std::mutex mutex_;
  std::vector<Request> pushed_;
  bool is_over_ = false;
  std::string failure_;
  std::thread thread_;
};
