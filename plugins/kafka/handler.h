// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>

#include "common/taken_window.h"
#include "outgoing.h"
#include "producer.h"
#include "settings.h"

namespace kafka {

// Out of the hub: every message is taken, sent, and settled by its delivery report. The window is
// the library's queue in Kafka's terms, and the only thing that is ever waited for.
class KafkaHandler {
 public:
  static void describe(standpipe::Description& d);
  explicit KafkaHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close();

 private:
  enum class Sent { yes, no_room };
  Sent send(standpipe::Batch& batch, std::size_t i);
  void reject(standpipe::Batch& batch, std::size_t i, const std::string& why);
  bool enqueue(const standpipe::Message& message, common::TakenWindow::Number number);

  standpipe::Host host_;
  Settings settings_;
  Outgoing outgoing_;
  int partition_;
  std::size_t message_bytes_max_;
  bool one_by_one_ = false;  // since a broker refused a batch
  common::TakenWindow window_;
  std::unique_ptr<Producer> producer_;
};

}  // namespace kafka
