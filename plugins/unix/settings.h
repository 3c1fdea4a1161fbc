// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <vector>

#include "wire.h"

namespace unix_socket {

// Where the socket is, and which end of it is ours.
struct Endpoint {
  std::string path;  // "@name" is an abstract name
  bool listens = false;
  bool is_packets = false;  // SOCK_SEQPACKET
  int send_buffer = 0;      // SO_SNDBUF; 0: the system's default

  bool is_abstract() const { return path.starts_with('@'); }
};

// What a server's socket has besides.
struct ListenOptions {
  std::uint32_t mode = 0600;
  std::string owner, group;  // names or numbers; empty: as the system gives them
  int backlog = 128;
  std::size_t connections_max = 64;
};

// Who may be at the other end: names or numbers. Both empty: whoever the socket's mode lets in.
struct Allowed {
  std::vector<std::string> users, groups;
};

// How a handler sends.
struct SendOptions {
  std::size_t window_messages = 0, window_bytes = 0;
  bool to_all = false;  // as a server: each message to all clients, or to one of them
  std::chrono::nanoseconds slow_client_timeout{0};
  std::vector<std::pair<std::string, std::string>> headers;  // name, template
};

struct Settings {
  explicit Settings(const standpipe::Options& options);

  Endpoint endpoint;
  ListenOptions listen;
  Allowed allowed;
  SendOptions send;
  Wire wire;
  bool brings_credentials = true;
};

void describe(standpipe::Description& d);

}  // namespace unix_socket
