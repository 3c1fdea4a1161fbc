// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <amqp.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "broker.h"
#include "common/fd.h"

// What a handler or source says of its queue.
struct Queue {
  explicit Queue(const standpipe::Options& options);

  std::string name;
  bool is_declared;  // else it must be there
  bool is_durable;
  std::string type;  // empty: the broker's default
};

// One connection with one channel. The library is not safe for threads: whoever has it calls all of
// it, but for shut_down. Each call may throw disconnected or fatal.
class Connection {
 public:
  static constexpr amqp_channel_t kChannel = 1;

  // Connects, logs in and opens the channel, within connection_timeout for each of the three. (The
  // resolver of host names has a bound of its own.)
  Connection(const Broker& broker, standpipe::Host host);

  // ---- before messages flow
  void expect_exchange(std::string_view name);
  void expect_queue(const Queue& queue);
  void bind(const Queue& queue, std::string_view exchange, std::string_view key);
  void select_confirms();
  void consume(const Queue& queue, unsigned prefetch_count);

  // ---- frames
  // The next frame of the channel that is there, or false. Sends and checks heartbeats. A closing
  // of the channel or connection is an exception. What a frame has is valid until release.
  bool next_frame(amqp_frame_t& frame);
  void release() { amqp_maybe_release_buffers(state_.get()); }
  // Call after sending.
  void expect_sent(int status) const;
  // Gathers what is sent into large packets until it is called with false.
  void cork(bool is_corked) const;
  amqp_connection_state_t state() const { return state_.get(); }
  std::size_t frame_max() const;
  // The broker takes no messages for now.
  bool is_blocked() const { return is_blocked_; }

  // ---- waiting
  int fd() const { return fd_.get(); }
  // How long it may be left alone; -1: for ever. Milliseconds.
  int patience_ms() const;

  // Says goodbye, within `most`.
  void close(std::chrono::milliseconds most);
  // From any thread: what is under way fails now.
  void shut_down() const;

 private:
  struct Destroy {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
  };
  amqp_socket_t* new_socket();
  void log_in();
  void set_rpc_timeout(std::chrono::nanoseconds most);
  void expect_done(std::string_view doing) const;
  void follow(const amqp_method_t& method);

  const Broker& broker_;
  standpipe::Host host_;
  std::unique_ptr<amqp_connection_state_t_, Destroy> state_;
  common::Fd fd_;  // a duplicate, since the library closes its own when it likes
  bool is_blocked_ = false;
};
