// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <vector>

#include "outbox.h"
#include "program.h"
#include "records.h"
#include "settings.h"

// The handler: batches into a program, outcomes out of it.
//
// handle writes and reads at the same time, so neither side waits for the other, and settles what
// was answered as it comes. Usually it returns when the whole batch is answered. It returns earlier
// where there is no room for what the program emits: then the program has messages that the next
// call begins with, and its answers to them are in the inbox or still to come (`ahead_`).
//
//   settled <= sent_ <= the batch's size;  ahead_ and skipped_ are of earlier batches
//
// A program that dies, hangs or answers nonsense is given what it had one by one next time
// (`suspects_`): then it is known which message it ends on, and that one counts as tried.
class ExecHandler {
 public:
  static void describe(standpipe::Description& d) { ::describe(d.emits()); }
  explicit ExecHandler(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  struct Suspects {
    std::string source;
    std::uint64_t last = 0;  // sequence
  };

  void greet();
  bool has_greeting();

  // ---- answers: outcomes
  void begin(standpipe::Batch& batch);
  void exchange(standpipe::Batch& batch);
  std::size_t limit(const standpipe::Batch& batch) const;
  bool is_suspect(const standpipe::Batch& batch, std::size_t i) const;
  bool wait(bool wants_to_write, std::chrono::nanoseconds most);
  bool read_answers(standpipe::Batch& batch);
  [[noreturn]] static void obey(const Record& record);
  void settle(standpipe::Batch& batch, const Record& record);
  bool emit(standpipe::Batch& batch, const Record& record);
  void leave(standpipe::Batch& batch);
  [[noreturn]] void fail(standpipe::Batch& batch, const std::string& why, bool is_to_blame);
  [[noreturn]] void program_left(standpipe::Batch& batch);

  // ---- answers: none
  void feed(standpipe::Batch& batch);
  void wait_for_reader(bool wants_to_write, std::chrono::nanoseconds pause);
  std::uint64_t count_read() const;

  standpipe::Host host_;
  Settings settings_;
  RecordReader reader_;
  Outbox outbox_;
  Inbox inbox_;
  std::unique_ptr<Program> program_;
  std::size_t settled_ = 0;           // messages of the batch that have an outcome
  std::size_t sent_ = 0;              // messages of the batch that the program has, or will have
  std::vector<std::uint64_t> ahead_;  // sequences that it has of the batch that did not end
  std::string ahead_source_;
  std::uint64_t skipped_ = 0;  // outcomes that are still to come and concern nobody
  std::string too_large_;      // why the next message is rejected, whatever its outcome is
  Suspects suspects_;
  std::uint64_t read_ = 0;  // bytes, by a program without answers
  bool has_ended_ = false;  // the program; what it wrote may still be there
  Clock::time_point progress_;
  std::vector<standpipe_pair> pairs_;
};
