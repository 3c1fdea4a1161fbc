// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>

#include "chosen_subjects.h"
#include "common/taken_window.h"
#include "connection.h"
#include "letters.h"
#include "unroutable.h"

namespace nats {

// Publishes to JetStream. What it publishes waits in the window for the stream's acknowledgement,
// which comes in a thread of the library.
class Handler {
 public:
  static void describe(standpipe::Description& d);
  explicit Handler(const standpipe::Options& options);
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { close(); }

  void open();
  void handle(standpipe::Batch& batch);
  void flush(std::chrono::nanoseconds left);
  std::optional<std::chrono::nanoseconds> tick();
  void close();

 private:
  using Clock = common::TakenWindow::Clock;

  bool publish(standpipe::Batch& batch, std::size_t i);
  void check();
  void check_stream();
  void settle_unroutable();
  bool refuse(const RefusedSubject& subject);
  void acknowledged(natsMsg* letter, const jsPubAckErr* error);
  static void acknowledged(jsCtx*, natsMsg* letter, jsPubAck*, jsPubAckErr* error, void* closure);

  standpipe::Host host_;
  ConnectionSettings settings_;
  std::string stream_;
  std::chrono::nanoseconds ack_timeout_;
  Letters letters_;
  common::TakenWindow window_;
  Unroutable unroutable_;
  ChosenSubjects chosen_;
  // Letters that were refused, which the library keeps until its context ends.
  std::atomic<std::size_t> refused_ = 0;
  std::unique_ptr<Connection> connection_;
  void* closure_ = nullptr;
  Owned<jsCtx> context_;
  std::atomic<std::uint64_t> acknowledgements_ = 0;
  std::pair<std::uint64_t, Clock::time_point> progress_;  // acknowledgements by then
  bool is_ticking_ = false;  // since something may wait for an acknowledgement
};

}  // namespace nats
