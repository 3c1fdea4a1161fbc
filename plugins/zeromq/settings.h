// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

// One call of zmq_setsockopt: the option, its value, and what a message calls it.
struct SocketOption {
  int number;
  std::string value;
  std::string_view name;
};

// Which socket to open, and how.
struct SocketSettings {
  int type;  // ZMQ_PUSH ...
  std::string type_name;
  std::vector<std::string> endpoints;
  bool binds;
  std::vector<SocketOption> options;    // set before it is bound or connected
  std::vector<std::string> clientkeys;  // that a CURVE server admits, 32 bytes each; empty: all
  bool is_encrypted = false;
};

// Throws standpipe::fatal that begins with the name of the option which is wrong.
SocketSettings handler_socket(const standpipe::Options& options);
SocketSettings source_socket(const standpipe::Options& options);

// The options of both: handler and source declare the same ones.
void describe(standpipe::Description& d);
