// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/log_format.h"
#include "base/unblocked.h"

namespace standpipe {

// Where the running hub reports to, line by line. Any thread may call it.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void say(const Diagnostic& d) = 0;

  void info(std::string message) {
    say({.severity = Severity::info, .code = "", .message = std::move(message)});
  }
  void warning(std::string code, std::string message, std::string help = {});
  void error(std::string code, std::string message, std::string help = {});
};

// Reports to a descriptor, normally standard error. It never blocks the caller: a stopped terminal
// (Ctrl-S) or a full pipe loses the line instead, and the next line that fits tells how many were
// lost.
class StreamReporter final : public Reporter {
 public:
  explicit StreamReporter(int fd, LogFormat format = LogFormat::plain);
  void say(const Diagnostic& d) override;

 private:
  Unblocked out_;
  LogFormat format_;
  bool colour_;
  std::mutex mutex_;
  std::uint64_t lost_ = 0;
};

// Colour and animation are for terminals, and for people who did not set NO_COLOR.
bool wants_colour(int fd);

}  // namespace standpipe
