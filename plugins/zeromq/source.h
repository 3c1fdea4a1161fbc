// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/left_out.h"
#include "common/unacknowledged.h"
#include "sessions.h"
#include "settings.h"
#include "socket.h"

// The source. It reads the socket in poll alone, so what the hub has no room for stays in libzmq's
// queue, and then with the peers.
class ZeromqSource {
 public:
  explicit ZeromqSource(const standpipe::Options& options);

  void open();
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  struct BatchName {
    std::uint64_t session, id;
  };
  // A received message, or what is left of a received batch.
  struct Pending {
    std::vector<Frame> frames;
    std::size_t next = 0;  // frame; the end: there is nothing left
    std::optional<BatchHead> head = std::nullopt;
    std::uint32_t index = 0;  // of the message in the batch
  };

  bool put_all(standpipe::Poll& poll);
  bool receive();
  void begin_batch();
  bool put_pending(standpipe::Poll& poll);
  bool put_message(standpipe::Poll& poll);
  void end_batch();
  void read_leading(std::size_t count);
  bool put(standpipe::Poll& poll, std::string_view payload);
  void leave_out(std::string_view why);
  void answer();
  bool wait(const standpipe::Poll& poll);

  standpipe::Host host_;
  SocketSettings settings_;
  bool acknowledges_, has_metadata_, has_warned_ = false;
  std::optional<Socket> socket_;
  Pending pending_;
  std::vector<standpipe_pair> pairs_;
  common::LeftOut left_out_;
  Sessions sessions_;
  common::Unacknowledged<BatchName> unacknowledged_;
  std::uint64_t last_put_ = 0, safe_ = 0;  // sequences
};
