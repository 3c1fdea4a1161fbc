// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "cli/interruption.h"
#include "cli/work_command.h"

namespace standpipe::cli {

// Runs a command for each message, at most so many at once. A command that ends with status 0 has
// acknowledged its message; otherwise the message is given to the next command after a pause. It
// holds one message a worker, and asks for another only when one of them is free, so equal workers
// get equal shares. It never waits: whoever waits polls its descriptors.
class WorkPool {
 public:
  struct Options {
    std::size_t workers = 1;
    unsigned attempts = 5;  // of a message
    Nanoseconds pause =
        std::chrono::milliseconds(200);  // after the first failure; then twice as long
  };
  // Gets each message that failed for good.
  using Failed = std::function<void(const std::string& message)>;

  WorkPool(WorkCommand command, Options options, Reporter& reporter, Failed failed);

  bool is_full() const { return jobs_.size() >= options_.workers; }
  bool is_idle() const { return jobs_.empty(); }
  std::uint64_t done() const { return done_; }
  std::uint64_t failed() const { return failed_count_; }

  void take(std::string message);
  // Looks after commands that have ended, and starts those whose pause is over.
  void turn();
  // Messages whose command is not running have failed; no other is started for the rest.
  void finish();
  // The same for those whose command runs: they are ended.
  void abort();

  void add_to(std::vector<pollfd>& waiting) const;
  Deadline next_start() const;

 private:
  struct Job {
    std::string message;
    unsigned attempt = 0;
    WorkCommand::Started command;
    Nanoseconds not_before{0};
    bool is_over = false;
    bool runs() const { return command.pid != 0; }
  };
  void start(Job& job);
  void look_after(Job& job);
  void fail(Job& job, const std::string& why);
  void fail_for_good(Job& job);
  void forget();

  WorkCommand command_;
  Options options_;
  Reporter& reporter_;
  Failed failed_;
  std::vector<Job> jobs_;  // at most one a worker
  bool is_finishing_ = false;
  std::uint64_t done_ = 0;
  std::uint64_t failed_count_ = 0;
};

}  // namespace standpipe::cli
