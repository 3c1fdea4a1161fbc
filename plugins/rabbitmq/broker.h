// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <standpipe/plugin.hpp>
#include <string>

// How a broker is reached, as the options say.
struct Broker {
  struct Tls {
    bool is_used = false;
    bool verifies = true;
    std::string cacertfile, certfile, keyfile;
  };

  explicit Broker(const standpipe::Options& options);
  // For messages: "127.0.0.1:5672, vhost /". Nothing of it is secret.
  std::string name() const;

  std::string host = "127.0.0.1";
  int port = 0;
  std::string vhost = "/";
  std::string user = "guest";
  std::string password = "guest";
  Tls tls;
  std::chrono::nanoseconds connection_timeout;
  int heartbeat;  // seconds; 0: none
  int frame_max;

 private:
  void read_uri(const standpipe::Options& options);
};

// A name as AMQP sends it, a "short string". Throws standpipe::fatal that names the option.
std::string short_text(const standpipe::Options& options, std::string_view option);
constexpr std::size_t kShortMax = 255;
