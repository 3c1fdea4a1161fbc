// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/taken_window.h"
#include "connection.h"
#include "publications.h"
#include "worker.h"

// Which messages the broker has not confirmed yet, by their delivery tags, which are the numbers of
// the window; and what becomes of them. A message that comes back (basic.return) is confirmed
// afterwards, too, and has failed none the less. What comes back is known by its message_id.
class Confirms {
 public:
  explicit Confirms(common::TakenWindow& window) : window_(window) {}
  void published(std::string_view message_id);
  void follow(const amqp_frame_t& frame);

 private:
  struct Sent {
    std::size_t id;  // hash of the message_id
    bool is_open = true;
  };
  void acknowledge(std::uint64_t tag, bool multiple);
  void refuse(std::uint64_t tag, bool multiple);
  void return_message(std::string_view message_id);
  void settle(std::uint64_t tag);
  std::uint64_t last() const { return first_ + sent_.size() - 1; }

  common::TakenWindow& window_;
  std::deque<Sent> sent_;
  std::uint64_t first_ = 1;              // tag of the front
  std::optional<std::string> returned_;  // why; its properties come next
};

// Publishes from a thread of its own, which has the connection, and hears the confirms. It waits
// for the broker as long as that takes; nobody waits for it but for a bounded time.
class Publisher {
 public:
  Publisher(std::unique_ptr<Connection> connection, common::TakenWindow& window, bool is_mandatory);

  // Each message has its number in the window already, in the same order.
  void publish(std::unique_ptr<Publications> messages);
  // Throws what has ended the connection.
  void expect_alive();

 private:
  // Messages that are sent before confirms are looked for.
  static constexpr std::size_t kAtOnce = 64;

  void serve();
  void send_some();
  void send(const Publication& publication);
  void read_all();

  std::unique_ptr<Connection> connection_;
  common::TakenWindow& window_;
  Confirms confirms_;
  bool is_mandatory_;
  // Guarded by the worker's mutex.
  std::deque<std::unique_ptr<Publications>> waiting_;
  // The thread's.
  std::unique_ptr<Publications> current_;
  std::size_t sent_ = 0;  // of current_
  Worker worker_;         // ends first
};
