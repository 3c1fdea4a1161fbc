// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/taken_window.h"
#include "packer.h"
#include "req_sender.h"
#include "settings.h"
#include "socket.h"

// The handler. PUSH and PUB send in handle itself, and what libnanomsg has queued is delivered. Of
// REQ it takes messages, and a ReqSender sends and settles them.
class NanomsgHandler {
 public:
  static void describe(standpipe::Description& d) { ::describe(d); }
  explicit NanomsgHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close();

 private:
  using Clock = std::chrono::steady_clock;

  void send_each(standpipe::Batch& batch);
  void send_all(standpipe::Batch& batch);
  bool send(std::string_view packet);
  void take_all(standpipe::Batch& batch);
  bool has_room(std::size_t bytes, Request& next);
  void push(Request& request);

  standpipe::Host host_;
  SocketSettings settings_;
  Packer packer_;
  bool requests_;
  std::size_t sockets_;
  std::chrono::nanoseconds linger_;
  common::TakenWindow window_;
  bool has_warned_ = false;
  std::optional<Socket> socket_;  // of PUSH and PUB
  Clock::time_point sent_;
  std::optional<ReqSender> sender_;
};
