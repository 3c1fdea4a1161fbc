// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "cli/interruption.h"

namespace standpipe::cli {

// A program that we started. What it prints is gathered; it does not outlive us, and it is always
// waited for.
class Child {
 public:
  static constexpr std::size_t kOutputMax =
      1024 * 1024;  // of each stream; the rest is read and dropped

  // `command` begins with the program's path. Throws Failure.
  explicit Child(const std::vector<std::string>& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Gathers output until `done` says so. false: the program ended, the time is over, or we were
  // interrupted.
  bool gather_until(const std::function<bool()>& done, Nanoseconds most,
                    Interruption& interruption);
  // SIGTERM, then output to its end. The exit status; nothing: it had to be killed, or died by a
  // signal.
  std::optional<int> stop(Nanoseconds most, Interruption& interruption);

  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }

 private:
  bool gather(int timeout_ms, Interruption& interruption);
  void reap();

  pid_t pid_ = -1;
  int status_ = 0;
  Fd out_end_, err_end_;
  std::string out_, err_;
};

}  // namespace standpipe::cli
