// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "broker.h"
#include "common/unacknowledged.h"
#include "connection.h"
#include "consumer.h"

// The source: brings what a queue has, and acknowledges it once the hub says that it is safe. A
// thread consumes (Consumer).
class RabbitSource {
 public:
  explicit RabbitSource(const standpipe::Options& options);

  void open(std::string_view resume);
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  // false: there is no room for it.
  bool put(standpipe::Poll& poll, const Delivered& message);

  standpipe::Host host_;
  Broker broker_;
  Queue queue_;
  std::string exchange_;
  std::vector<std::string> binding_keys_;
  unsigned prefetch_count_;
  std::unique_ptr<Consumer> consumer_;
  std::deque<Delivered> come_;                            // and not put yet
  common::Unacknowledged<std::uint64_t> unacknowledged_;  // delivery tags
  std::vector<standpipe::Pair> pairs_;
};
