// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>

#include "broker.h"
#include "common/taken_window.h"
#include "composer.h"
#include "connection.h"
#include "publisher.h"

// The handler: publishes messages, and settles each as the broker confirms it. handle composes;
// a thread sends and hears the confirms (Publisher).
class RabbitHandler {
 public:
  static void describe(standpipe::Description& d);
  explicit RabbitHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  // How long handle waits for room in the window.
  static constexpr std::chrono::milliseconds kRoomMost{50};
  // Messages that are given to the thread at once, so that it begins before a batch ends.
  static constexpr std::size_t kGivenAtOnce = 128;

  void expect_alive();
  bool has_room(std::size_t bytes);
  void give();

  standpipe::Host host_;
  Broker broker_;
  Queue queue_;
  Composer composer_;
  bool is_mandatory_;
  common::TakenWindow window_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Publications> composed_;  // and not given to the publisher
};
