// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/left_out.h"
#include "common/unacknowledged.h"
#include "requests.h"
#include "settings.h"
#include "socket.h"

// The source. It reads the socket in poll alone, so what the hub has no room for stays with
// libnanomsg, and then with the peers.
class NanomsgSource {
 public:
  static void describe(standpipe::Description& d) { ::describe(d); }
  explicit NanomsgSource(const standpipe::Options& options);

  void open();
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  // What is left of a received SP message.
  struct Pending {
    Packet packet;
    std::string_view rest;
    std::string address;  // of a request
    bool is_open = false;
  };

  bool put_all(standpipe::Poll& poll);
  bool receive();
  bool put_pending(standpipe::Poll& poll);
  bool put_next(standpipe::Poll& poll);
  bool put(standpipe::Poll& poll, std::string_view payload);
  void end_packet();
  void reply(const std::string& address);

  standpipe::Host host_;
  SocketSettings settings_;
  bool replies_, has_lengths_, has_metadata_, has_warned_ = false;
  std::optional<Socket> socket_;
  Pending pending_;
  std::vector<standpipe_pair> pairs_;
  common::LeftOut left_out_;
  Requests requests_;
  common::Unacknowledged<std::string> unacknowledged_;
  std::uint64_t last_put_ = 0, safe_ = 0;  // sequences
};
