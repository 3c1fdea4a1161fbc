// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "block.h"
#include "connection.h"
#include "wire.h"

namespace unix_socket {

// A connection that a handler sends to: blocks go out, acknowledgements come in. It never waits.
// One thread.
//
// Blocks leave in order, as far as the socket takes them. Without acknowledgements a message is
// finished once the socket has all of it; with them, once the receiver says so.
//
//   queue_: [unacknowledged blocks | block that is being written | blocks to be written]
//                                    ^ writing_
class Outlet {
 public:
  using Clock = std::chrono::steady_clock;
  // What it reports to its owner.
  struct Events {
    std::function<void(const BlockPtr&, std::size_t end)> finished;  // all messages before `end`
    std::function<void(const BlockPtr&, std::size_t i, std::string_view why)> rejected;
  };
  // The other end has gone, or says what it may not: the connection is over.
  struct Lost {
    std::string why;
  };

  Outlet(Connection connection, const Wire& wire, const Events& events);

  const Credentials& who() const { return connection_.who; }
  // Whether it may be given blocks: where messages are acknowledged, the receiver greets first.
  bool is_ready() const { return !wire_.has_acks || has_greeting_; }
  // What the receiver takes at most in a payload, as it greeted.
  std::size_t message_max() const { return message_max_; }
  // Of seqpacket: what the kernel takes at most in a packet.
  std::size_t packet_max() const { return packet_max_; }

  void give(BlockPtr block) { queue_.push_back(std::move(block)); }
  std::size_t queued() const { return queue_.size(); }
  std::size_t unwritten() const { return queue_.size() - writing_; }
  std::deque<BlockPtr>& queue() { return queue_; }
  bool wants_to_write() const { return !to_send_.empty() || writing_ < queue_.size(); }
  bool is_blocked() const { return is_blocked_; }
  void unblock() { is_blocked_ = false; }
  Clock::time_point last_progress() const { return progress_; }
  Clock::time_point connected() const { return connected_; }

  // As much as the socket takes. Throws Lost.
  void write();
  // Greeting and answers, and the end of the connection. true: there may be more of it, for one who
  // says much waits for its next turn. Throws Lost.
  bool read();

 private:
  bool write_greeting();
  bool write_stream();
  bool write_packets();
  void advance(std::size_t bytes);
  void reject_packet(int error);
  void note_finished(std::size_t index, std::size_t end);
  bool failed(int error);
  bool parse();
  void take_greeting(std::string_view bytes);
  void take_answer(std::string_view bytes);
  void acknowledged(std::uint64_t sequence);
  void refused(std::uint64_t sequence, std::string_view why);

  Connection connection_;
  const Wire& wire_;
  const Events& events_;
  std::deque<BlockPtr> queue_;
  std::size_t writing_ = 0;  // index in queue_
  std::size_t written_ = 0;  // bytes of that block
  std::string to_send_;      // of the greeting
  std::string received_;     // an answer that is not complete
  bool has_greeting_ = false, is_blocked_ = false;
  std::size_t message_max_ = SIZE_MAX, packet_max_ = SIZE_MAX;
  Clock::time_point connected_, progress_;
};

}  // namespace unix_socket
