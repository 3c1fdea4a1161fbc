// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nats {

// How to reach the servers, and as whom. Both the handler and the source have it.
struct ConnectionSettings {
  explicit ConnectionSettings(const standpipe::Options& options);

  std::string name;  // what the server's monitoring shows
  std::vector<std::string> servers;
  std::string user, password, token, creds, nkey, nkey_seed;
  bool tls;
  std::string tls_ca, tls_cert, tls_key;
  std::string domain;
  std::chrono::milliseconds timeout;  // of connecting, and of a request to JetStream
};

struct ConsumerSettings {
  explicit ConsumerSettings(const standpipe::Options& options);

  std::string stream, durable, filter_subject;
  bool create;
  std::string deliver_policy;
  std::uint64_t start_sequence;
  std::int64_t start_time;  // nanoseconds since 1970; 0: not given
  std::chrono::nanoseconds ack_wait;
  std::int64_t max_ack_pending, max_deliver;
};

}  // namespace nats
