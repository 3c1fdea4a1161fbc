// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>
#include <vector>

#include "common/taken_window.h"
#include "entry.h"
#include "sender.h"
#include "settings.h"

// Takes messages, hands them to a Sender, and is told by the window what became of them.
class SqsHandler {
 public:
  static void describe(standpipe::Description& d) { ::describe(d); }
  explicit SqsHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close();

 private:
  std::optional<Entry> make(standpipe::Batch& batch, std::size_t i);

  standpipe::Host host_;
  Place place_;
  SendSettings settings_;
  EntryMaker maker_;
  common::TakenWindow window_;
  std::unique_ptr<Sender> sender_;
};
