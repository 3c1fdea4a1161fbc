// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "arrivals.h"
#include "connection.h"
#include "consumer.h"
#include "held.h"
#include "keeper.h"
#include "pull.h"

namespace nats {

// Reads a stream by a durable pull consumer. A message is acknowledged once the hub says that it is
// safe; until then the server is told that it is in progress.
class Source {
 public:
  explicit Source(const standpipe::Options& options);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { close(); }

  void open();
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  bool put_all(standpipe::Poll& poll);
  std::uint64_t put(standpipe::Poll& poll, natsMsg* message);
  void keep_alive();
  void send(const std::string& reply, std::string_view word);

  standpipe::Host host_;
  ConnectionSettings settings_;
  ConsumerSettings consumer_settings_;
  Requests::Bounds bounds_;
  Arrivals arrivals_;
  Held held_;
  std::vector<standpipe::Pair> meta_;  // of the message that is put
  Consumer consumer_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Pull> pull_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace nats
