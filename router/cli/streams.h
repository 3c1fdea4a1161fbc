// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log_format.h"
#include "base/reporter.h"

namespace standpipe::cli {

constexpr Nanoseconds kStandStillMost = std::chrono::seconds(5);

// Data, gathered and written in large pieces. Whoever asked for data must learn when it did not
// arrive: a full disk or a reader that left is a Failure, never silence, so call `flush` before
// reporting success.
class StandardOutput {
 public:
  explicit StandardOutput(int fd);
  void write(std::string_view bytes);
  void flush();
  // The same for a program that must end though nobody reads: fails when nothing moved for
  // kStandStillMost.
  void flush_while_it_moves();
  bool is_terminal() const { return is_terminal_; }
  int fd() const { return fd_; }
  // Nobody can read any more what would be written.
  [[noreturn]] void reader_left() const;

 private:
  void put(std::string_view bytes, int patience_ms);

  static constexpr std::size_t kBytes = 64 * 1024;  // a pipe's default capacity
  int fd_;
  bool is_terminal_;
  std::string buffer_;
};

// Messages, written at once and whole. When nobody can read them there is nobody to tell, so errors
// are ignored.
class StandardError final : public Reporter {
 public:
  explicit StandardError(int fd);
  void say(const Diagnostic& d) override;
  // From here on, what is said is a line of a log.
  void use(LogFormat format) { format_ = format; }
  LogFormat format() const { return format_; }
  void print(std::string_view text);
  // The same for a program that must end though its terminal stands still: gives up when nothing
  // moved for a second.
  void print_if_it_moves(std::string_view text);
  // From now on all is written so: by a hub, which nobody may be watching.
  void never_wait_long() { patience_ms_ = kPatienceMs; }
  bool is_terminal() const { return is_terminal_; }
  int fd() const { return fd_; }

 private:
  void write(std::string_view text, int patience_ms);

  static constexpr int kForever = -1;
  static constexpr int kPatienceMs = 1000;
  int patience_ms_ = kForever;
  int fd_;
  bool is_terminal_;
  bool colour_;
  LogFormat format_ = LogFormat::plain;
};

// The three standard streams, as commands get them.
struct Streams {
  int in;
  StandardOutput out;
  StandardError err;
};

// Writes to a descriptor that may be full, and that somebody else may have the other end of.
// Returns 0 or errno; ETIMEDOUT: nothing moved for kStandStillMost.
int write_while_it_moves(int fd, std::string_view bytes);

// If a standard stream was closed by the caller, the first file that is opened would get its
// number, and messages would be written into that file. This puts something that refuses in its
// place.
void keep_standard_streams();

}  // namespace standpipe::cli
