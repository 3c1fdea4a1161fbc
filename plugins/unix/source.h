// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>

#include "acknowledgements.h"
#include "client.h"
#include "connection.h"
#include "listener.h"
#include "log_throttle.h"
#include "packets.h"
#include "poller.h"
#include "settings.h"

namespace unix_socket {

// The source: messages of the clients of a server's socket, or of the server that it connects to.
//
// Clients take turns, each of a bounded number of messages, so one that sends without pause delays
// the others by its turn. Where the hub has no room, nothing is read, and clients wait. What a
// client does wrong ends its connection and no other.
class Source {
 public:
  explicit Source(const standpipe::Options& options);

  void open();
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  using Id = Poller::Id;
  using Clients = std::map<Id, Client>;
  enum class Turn { idle, busy, full };

  void add(Connection connection);
  void look();
  void accept();
  Turn serve_all(standpipe::Poll& poll);
  Turn serve(standpipe::Poll& poll, Id id, Client& client);
  bool put(standpipe::Poll& poll, Id id, Client& client, const Client::Message& message);
  void send_answers();
  void end(Clients::iterator at, const std::string& why);
  void leave_out(const Client& client, const std::string& why);

  standpipe::Host host_;
  Settings settings_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Packets> packets_;
  Poller poller_;
  Clients clients_;
  Id next_id_ = 0, last_served_ = 0;
  Acknowledgements acknowledgements_;
  std::uint64_t left_out_ = 0;
  LogThrottle left_out_log_, ends_log_;
  bool is_full_ = false;  // max_connections: who comes now waits in the backlog
};

}  // namespace unix_socket
