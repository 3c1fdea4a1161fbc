// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/spool.h"
#include "file.h"
#include "rotation.h"

enum class Sync { never, interval, always };

// The log handler: batches into a file in few large writes. A batch is one or several *runs*, each in one file, with a rotation
// between them. Whatever fails, in the file is exactly what was settled: a run that fails is cut back to its last whole record
// (under sync: always to its start), and the batch is stopped at the first message that is not in the file.
class Log {
 public:
  static void describe(standpipe::Description& d);
  explicit Log(const standpipe::Options& options);

  void open();
  void handle(standpipe::Batch& batch);
  void flush(std::chrono::nanoseconds left);
  void close();
  void reopen();

 private:
  using nanoseconds = std::chrono::nanoseconds;

  LogFile open_file() const;
  void use(LogFile file);
  // Appends from message `first` to the batch's end or to where the file is full; returns the first message that it left.
  std::size_t append_run(standpipe::Batch& batch, std::size_t first, nanoseconds now);
  [[noreturn]] void take_back(standpipe::Batch& batch, std::size_t first, const char* what, int error);
  // Returns the file's size, after opening another one when this one has lost its name.
  std::uint64_t follow_name(nanoseconds now);
  void begin_anew(const char* why);
  bool is_rotation_due(std::uint64_t size, nanoseconds now);
  void rotate(nanoseconds now);
  void sync_or_throw();

  standpipe::Host host_;
  LogFile::Request request_;
  Rotation rotation_;
  Sync sync_;
  nanoseconds sync_interval_;
  std::optional<LogFile> file_;  // while open
  common::Spool spool_;
  bool was_open_ = false;  // ever
  bool is_dirty_ = false;  // something was written since the last sync
  nanoseconds born_{};     // of the file, or of the first record in it
  nanoseconds synced_{};   // the last sync
  nanoseconds looked_{};   // when its name was last looked up
  std::optional<nanoseconds> rotation_failed_;
};
