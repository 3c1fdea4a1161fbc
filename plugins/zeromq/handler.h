// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "ack_sender.h"
#include "common/taken_window.h"
#include "envelope.h"
#include "settings.h"
#include "socket.h"

// The handler. Without acknowledgements it sends in handle itself, and what libzmq has queued is
// delivered. With them, it takes messages and an AckSender sends and settles them.
class ZeromqHandler {
 public:
  static void describe(standpipe::Description& d) { ::describe(d); }
  explicit ZeromqHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close();

 private:
  void send_all(standpipe::Batch& batch);
  bool send(std::span<const std::string_view> frames);
  void take_all(standpipe::Batch& batch);
  bool has_room(std::size_t bytes, SentBatch& batch);
  void push(SentBatch& batch);
  void check();

  standpipe::Host host_;
  SocketSettings settings_;
  Envelope envelope_;
  bool acknowledges_;
  std::chrono::nanoseconds resend_ivl_;
  common::TakenWindow window_;
  bool has_warned_ = false;
  std::optional<Socket> socket_;
  std::optional<AckSender> sender_;  // goes before the socket
};
