// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

// One call of nn_setsockopt: the option, its value, and what a message calls it.
struct SocketOption {
  int level, number;
  std::string value;
  std::string_view name;
};

// Which socket to open, and how.
struct SocketSettings {
  int domain, protocol;  // AF_SP or AF_SP_RAW; NN_PUSH ...
  std::string protocol_name;
  std::vector<std::string> urls;
  bool listens;
  std::vector<SocketOption> options;  // set before it listens or connects
};

// Throws standpipe::fatal that begins with the name of the option which is wrong.
SocketSettings handler_socket(const standpipe::Options& options);
SocketSettings source_socket(const standpipe::Options& options);

// The options of both: handler and source declare the same ones.
void describe(standpipe::Description& d);
