// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What YAML says about the program and how to speak with it.
struct Settings {
  explicit Settings(const standpipe::Options& options);
  // The program's environment, as "NAME=value": the hub's, the user's, and what PROTOCOL.md adds.
  std::vector<std::string> environment(std::string_view kind) const;

  std::string name;                // of the handler or source
  std::vector<std::string> words;  // the program and its arguments
  std::vector<std::pair<std::string, std::string>> env;
  std::string folder;
  bool answers;
  bool metadata;
  bool restarts_after_success;  // of a source
  std::chrono::nanoseconds start_timeout;
  std::chrono::nanoseconds timeout;
  std::chrono::nanoseconds stop_timeout;
  std::size_t message_max;  // bytes of a message that the program makes
};

void describe(standpipe::Description& d);
