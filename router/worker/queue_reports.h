// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reminder.h"
#include "base/reporter.h"
#include "base/throttle.h"

namespace standpipe::worker {

// What a queue on disk says of itself to people: what it has of an earlier run and leaves to the
// next one, that it takes no more, drops, cannot be read, was armed; and, once, that it is well
// again. What lasts or repeats is said now and then only.
//
// The loop's thread.
class QueueReports {
 public:
  struct Subject {
    std::string source, handler;
    std::string folder;  // of the queue's files
    bool is_overflow = false;
  };
  // Both must outlive it.
  QueueReports(Subject subject, const Clock& clock, Reporter& reporter)
      : subject_(std::move(subject)), clock_(clock), reporter_(reporter) {}

  std::string name() const { return subject_.source + " -> " + subject_.handler; }

  // ---- from run to run
  void found(std::uint64_t messages);
  void left(std::uint64_t messages);

  // ---- whether it takes messages
  void stuck(const std::string& why, const std::string& help);
  // The same because the disk has failed.
  void failed(const std::string& why, const std::string& help);
  void takes_again();
  const std::string& why_stuck() const { return stuck_; }  // empty: it takes messages
  bool has_failed() const { return has_failed_; }          // the disk has, since it last worked
  // Messages are dropped, since it takes no more.
  void dropped();

  // ---- an overflow
  void armed(const std::string& why, const std::string& help);
  // An earlier worker has armed it, and said so.
  void was_armed() { is_arming_reported_ = true; }
  void disarmed();

  // ---- files that cannot be read
  void cannot_read_now(const Failure& trouble);
  void cannot_read(std::uint64_t messages, const std::string& path);
  // They are in no file, between that one, which ends before them, and the next one. `missing`: the
  // file that would begin with them.
  void missing(std::uint64_t messages, const std::string& before, const std::string& missing);
  // A part of a file is; what could be read of it comes.
  void damaged(const std::string& path, const std::string& damage);
  // What was found there stands under another name now, and none of it comes.
  void set_aside(const Failure& failure, const std::string& aside);
  // The same while it is read. `aside`: empty: it is still where it was.
  void left_out(const Failure& failure, const std::string& aside);
  // Somebody else has removed the file.
  void was_removed(const std::string& path);
  // So many messages of it could not be delivered as long as it was open.
  void lost(std::uint64_t messages, const std::string& path);
  void trouble(const Failure& failure);

 private:
  Subject subject_;
  const Clock& clock_;
  Reporter& reporter_;
  std::string stuck_;
  bool has_failed_ = false;
  bool is_stuck_reported_ = false;
  bool is_arming_reported_ = false;
  std::string reported_;  // why it was stuck when that was last said, or would have been
  Reminder stuck_reminder_, drops_, failed_drops_;
  Throttle reports_, damages_, armings_;
};

}  // namespace standpipe::worker
