// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/reminder.h"
#include "deliver/plugin_caller.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// The call that a handler's loop has made and not ended: what it is for, since when, and how far it
// is. Its record for the next worker is the Call; this is what the loop itself must know, and ends
// with it.
//
//   none -- begin --> called --------------- came back --> none
//                        \-- its letters are written --/
//
// What it was about is still known after its end, until the next one begins.
class CallInProgress {
 public:
  // A call of handle that has taken so long may be written off: its messages are dropped while the
  // plugin has them, because a queue that drops is full of them.
  static constexpr Nanoseconds kWrittenOffAfter = std::chrono::seconds(1);

  // ---- what happens to it
  // The plugin's thread reads the request, which therefore stays as it is until the next one.
  void begin(const CallRequest& request, Nanoseconds now);
  // The plugin is not asked: the loop has the answer already.
  void begin_answered(const CallRequest& request, plugin::Answer answer, Nanoseconds now);
  void came_back(Nanoseconds now) { returned_ = now; }
  void waits_for_letters(bool waits) { state_ = waits ? State::letters : State::called; }
  void write_off() { is_written_off_ = true; }
  // true: it was written off, and what that takes can end.
  bool end_write_off();
  void end() { state_ = State::none; }
  // true: the answer was the loop's, which is not asked for any more.
  bool end_own_answer();

  // ---- being asked
  const CallRequest& request() const { return request_; }
  CallKind kind() const { return request_.kind; }
  bool is_open() const { return state_ != State::none; }
  bool is_open(CallKind kind) const { return is_open() && this->kind() == kind; }
  bool waits_for_letters() const { return state_ == State::letters; }
  bool is_with_plugin() const { return state_ == State::called; }
  bool is_written_off() const { return is_written_off_; }
  const std::optional<plugin::Answer>& own_answer() const { return own_answer_; }
  Nanoseconds began() const { return began_; }
  Nanoseconds took() const { return returned_ - began_; }  // it has come back
  // nullopt: it may not be, ever.
  std::optional<Nanoseconds> may_write_off_at() const;
  // It takes long, and that is to be reported now: how long.
  std::optional<std::chrono::seconds> remind(Nanoseconds now);

 private:
  enum class State { none, called, letters };

  State state_ = State::none;
  CallRequest request_;
  std::string resume_;                        // of a call of open
  std::optional<plugin::Answer> own_answer_;  // nullopt: the plugin's counts
  bool is_written_off_ = false;
  Nanoseconds began_{0}, returned_{0};
  Reminder reminder_;
};

}  // namespace standpipe::deliver
