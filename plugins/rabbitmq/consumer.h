// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connection.h"
#include "metadata.h"
#include "worker.h"

// A message as the broker delivered it.
struct Delivered {
  std::uint64_t tag;
  Metadata metadata;
  std::string payload;
};

// Puts the frames of a delivery together: a method, its properties, and pieces of its body.
class Assembly {
 public:
  // The message that ends with this frame, if one does.
  std::optional<Delivered> add(const amqp_frame_t& frame);
  // It has something of a frame, so the connection must not release them yet.
  bool holds_frame() const { return deliver_ != nullptr; }

 private:
  std::optional<Delivered> end_if_whole();

  const amqp_basic_deliver_t* deliver_ = nullptr;  // the library's, until its properties have come
  std::optional<Delivered> begun_;
  std::uint64_t missing_ = 0;  // bytes of the payload
};

// Consumes and acknowledges from a thread of its own, which has the connection: so heartbeats go
// on, and the broker hears of what is safe, also while the hub has no room and polls nothing.
//
// What has come and was not taken is at most prefetch_count messages: the broker sends no more.
class Consumer {
 public:
  explicit Consumer(std::unique_ptr<Connection> connection);

  // Appends all that has come. Throws what has ended the connection; then what has come is the
  // broker's again.
  void take(std::deque<Delivered>& messages);
  // Readable when there may be something to take.
  int fd() const { return has_some_.fd(); }
  // This one and all before it.
  void acknowledge(std::uint64_t tag);
  // The broker is to drop this one, or to dead-letter it if its queue is set up so.
  void reject(std::uint64_t tag);

 private:
  // Messages that are handed over at once, so that the first of them do not wait for the others.
  static constexpr std::size_t kAtOnce = 256;

  void serve();
  void serve_until_stopped();
  void send_answers();
  bool read_some();

  std::unique_ptr<Connection> connection_;
  common::Wake has_some_;
  // Guarded by the worker's mutex.
  std::deque<Delivered> come_;
  std::uint64_t acknowledged_ = 0;  // up to this tag
  std::vector<std::uint64_t> rejected_;
  // The thread's.
  std::uint64_t told_ = 0;  // the broker, up to this tag
  Assembly assembly_;
  Worker worker_;  // ends first
};
