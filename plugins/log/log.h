// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/spool.h"
#include "named_files.h"
#include "record.h"
#include "target.h"

// The log handler: batches into files in few large writes. A path without placeholders is one file,
// and what is here is about it; NamedFiles has the many of a template.
//
// Frames are written by the hub, which has them as they are to lie there, exactly once: then we
// open the file, look after it, and are asked when it is full, old or gone. The rest is about what
// we write ourselves: other formats, and frames where an older router does not. A batch is one or
// several *runs*, each in one file, with a rotation between them. Whatever fails, in the file is
// exactly what was settled: a run that fails is cut back to its last whole record (under sync:
// always to its start), and the batch is stopped at the first message that is not in the file.
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

  void send(standpipe::Batch& batch, nanoseconds now);
  // Appends from message `first` to the batch's end or to where the file is full; returns the first
  // message that it left.
  std::size_t append_run(standpipe::Batch& batch, std::size_t first, nanoseconds now);
  [[noreturn]] void fail_batch(standpipe::Batch& batch, std::size_t first, const char* what,
                               int error);

  standpipe::Host host_;
  Settings settings_;
  std::optional<NamedFiles> many_;  // one of these two
  std::optional<Target> one_;
  common::Spool spool_;
  Records records_;
  bool was_open_ = false;  // ever
};
