// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "feed.h"
#include "incoming.h"
#include "settings.h"

namespace kafka {

// Into the hub: records of topics, each with its key, place and headers as metadata.
class KafkaSource {
 public:
  explicit KafkaSource(const standpipe::Options& options);

  void open(std::string_view resume);
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close() { feed_.reset(); }

 private:
  void put_all(standpipe::Poll& poll);
  bool put(standpipe::Poll& poll, const rd_kafka_message_t& record);
  void say_cut(const rd_kafka_message_t& record);

  standpipe::Host host_;
  Settings settings_;
  std::vector<std::string> topics_;
  int partition_;
  Incoming incoming_;
  std::unique_ptr<Feed> feed_;
  bool has_put_ = false;   // in this poll
  std::uint64_t cut_ = 0;  // records whose metadata was too much
};

}  // namespace kafka
