// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "deliver/account.h"
#include "deliver/delivery.h"
#include "log/log.h"
#include "state/memory.h"
#include "state/persistent.h"

namespace standpipe::worker {

// How far a queue on disk is, and the account that goes with it. It outlives the worker.
//
//     1 ─ handled ─ settled_number ─ in the queue's log ─ fed ─ in files only ─ next
//
// Messages have numbers, by which segments are named. What is fed is counted by the delivery in
// the queue's log, `to`; what is not, by that in the source's log, `from`, as saved. So whatever
// moves a number moves the account by as much, in one commit.
//
//   settled_number <= fed <= next;  from.saved = others + (next - fed)
//
// The caller commits, unless it says otherwise. The loop's thread.
class QueueProgress {
 public:
  struct State {
    std::uint64_t begun;         // 1: the files of earlier runs were found
    std::uint64_t others;        // what `from` had saved elsewhere before
    std::uint64_t segment;       // the one that is written to; 0: the next message begins one
    std::uint64_t end_bytes;     // of it
    std::uint64_t next;          // number of the next message that is moved
    std::uint64_t fed;           // number of the next message that is fed
    std::uint64_t read_segment;  // where that is; 0: in the next one that is begun
    std::uint64_t read_offset;
    std::uint64_t boundary;  // position in the log after what segments before that one had
    std::uint64_t skipped;   // numbers that were passed over since the log was empty
    std::uint64_t armed;     // 1: what comes goes to the files
    std::uint64_t since_ns;  // when it was armed; the steady clock
  };

  // Both deliveries must outlive it.
  QueueProgress(const std::string& source, const std::string& handler, deliver::Delivery& from,
                deliver::Delivery& to);
  // Of a queue that an earlier worker left and nobody has now. No queue has nothing in files.
  static bool has_none_in_files(const state::Memory& memory, const std::string& source,
                                const std::string& handler);
  static void rename(state::Memory& memory, const std::string& from, const std::string& to,
                     const std::string& handler);
  static void remove(state::Memory& memory, const std::string& source, const std::string& handler);

  const State& state() const { return *state_; }
  deliver::Delivery& from() const { return from_; }
  deliver::Delivery& to() const { return to_; }
  log::Log& log() const { return to_.log(); }
  void commit() { log().keeping().commit(); }

  std::uint64_t in_files() const { return state_->next - state_->fed; }  // messages
  // Those that the handler is not through with.
  std::uint64_t waiting() const;
  // The number of the first message that the handler is not through with, or one before it.
  std::uint64_t settled_number() const;

  // ---- a run begins
  // What an earlier one left: messages from `fed` to `next`, of which the first is in
  // `read_segment`, and the last in `segment`, which ends at `end_bytes`.
  struct Left {
    std::uint64_t segment = 0, end_bytes = 0, next = 1;
    std::uint64_t read_segment = 0, fed = 1;
  };
  void begin(const Left& left, Nanoseconds now);

  // ---- the source's log -> files
  // Messages of `from` before `end` are in that segment, which ends there now. true: it has the
  // message that is fed next. Commits.
  bool wrote(std::uint64_t segment, std::uint64_t end_bytes, std::uint64_t messages,
             log::Cursor end);
  // The next message that is moved begins another segment.
  void leave_segment();

  // ---- files -> the queue's log
  // So many messages are in the log, and reading goes on there. Commits.
  void fed(std::uint64_t messages, std::uint64_t read_offset);
  // Messages before that number are dropped, and not fed.
  void pass_over(std::uint64_t until, deliver::Reason reason);
  // Once the log is empty nothing that was passed over lies between its messages.
  void forget_skipped();
  // All of the segment that is read was fed or passed over: reading goes on in that one.
  void read_on_in(std::uint64_t segment);
  // The same where there is no other: it goes on with what is written next.
  void read_on_at_end();

  // ---- whether what comes goes to files
  void arm(Nanoseconds now);
  void stay_armed();  // as long as the run lives
  void disarm() { state_.edit().armed = 0; }
  // All was handled, so no segment is of use any more. Commits.
  void retire();

  void check_invariants(const std::string& name) const;

 private:
  deliver::Delivery& from_;
  deliver::Delivery& to_;
  state::Persistent<State> state_;
};

}  // namespace standpipe::worker
