// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/call.h"
#include "deliver/handler_needs.h"
#include "deliver/handler_state.h"
#include "deliver/options.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// The states of one handler, each with its reason, and what its plugin is to be called for next.
//
//              open came back well                a message failed
//   opening ------------------------> running <---------------------> retrying, for a pause
//      ^  \__ open failed: a pause      |  |
//      |                                |  | answered disconnected
//      '------- disconnecting <---------'--'
//
//   from all of these:
//     --fatal, no longer configured, its plugin kills workers, or a person says so-->
//            held until a person releases it, over all workers of a run, or until it is configured
//            otherwise
//     --the hub stops--> closing --> closed
//
// It makes no call and has no messages: `due` returns what is to be done, `began` and `came_back`
// report what was. The loop commits what it changes, except for `came_back`, which commits what it
// holds.
class Lifecycle {
 public:
  Lifecycle(const HandlerOptions& options, const HandlerNeeds& needs);

  // What the plugin is to be called for: `handle` means that messages may be given to it. none:
  // nothing, before `wake_at`, if it has one.
  CallKind due(Nanoseconds now) const;
  std::optional<Nanoseconds> wake_at(Nanoseconds now) const;

  // ---- what happens
  void began(CallKind kind);
  // A call other than handle.
  void came_back(CallKind kind, const plugin::Answer& answer, Nanoseconds now);
  // A batch; `settled_some`: it came to an outcome for a message at least. Messages that went out
  // without the plugin count as well.
  void handled(bool settled_some, const plugin::Answer& answer, Nanoseconds now);
  void retries(std::string reason, Nanoseconds due);
  // Its child has died: another is made after a pause, which grows while nothing is settled in
  // between. `while_idle`: with no call to blame, so that nobody has reported it yet.
  // `settled_some`: by the call that it died in.
  void died(const std::string& how, bool while_idle, bool settled_some, Nanoseconds now);
  // The configuration stays (`options.changed`): until then whoever comes back finds the hold that
  // it had. Commits.
  void stays();
  // It has departed for good: it is given its messages though it is held, and rejects them.
  void give_up() { gives_up_ = true; }
  // For the run, whichever worker it is. The caller commits.
  void hold(const std::string& reason);
  // A person holds it, maybe while a call is in progress, and may release it soon: it goes on where
  // it was then, with what its plugin has open. The caller commits.
  void pause(const std::string& reason);
  // A person has removed the cause of the hold. `is_made`: there is an instance of its plugin,
  // which is told to close what it has before it opens again. The caller commits.
  void release(bool is_made);
  void want_reopen() { reopen_wanted_ = true; }
  // Once no call is in progress; by then all should be flushed.
  void want_close(Nanoseconds deadline) { close_by_ = deadline; }

  // ---- being asked
  bool running() const { return state_ == State::running; }  // also while it retries
  bool is_connected() const { return open_tries_ == 0; }     // as far as is known
  bool held() const { return state_ == State::held; }
  bool closed() const { return state_ == State::closed; }
  bool tried() const { return tried_; }  // its first open has come back, or it is held
  std::string held_for() const;  // the reason, cut to what the memory keeps of it; empty: not held
  Nanoseconds close_by() const { return *close_by_; }
  HandlerState state(Nanoseconds now) const;
  // It is held, or disconnected and has settled nothing since. A plugin that died is neither: it is
  // started again, or held.
  std::optional<Absence> absence() const;

 private:
  enum class State { opening, running, disconnecting, held, closed };
  struct Held {
    std::uint32_t is_held;
    std::uint32_t length;
    char reason[504];
  };

  void opened(const plugin::Answer& answer, Nanoseconds now);
  void disconnect(const std::string& reason, Nanoseconds now);
  void hold_at_once(const std::string& reason);
  void keep_hold(const std::string& reason);
  void become(State state);
  void connected();

  const HandlerOptions& options_;
  Reporter& reporter_;
  state::Memory& memory_;
  state::Persistent<Held> persistent_;
  Held held_;        // what is kept, or is to be kept when the configuration stays
  bool is_changed_;  // and may not stay
  State state_ = State::opening;
  std::optional<State> paused_from_;  // a person holds it, and its plugin knows nothing of that
  bool tried_ = false;
  bool gives_up_ = false;
  bool reopen_wanted_ = false;
  std::optional<Nanoseconds> close_by_;

  // Its connection: how often it was tried without progress since it was last there, and why.
  std::uint32_t open_tries_ = 0;
  Nanoseconds open_due_{0};
  Nanoseconds disconnected_since_{0};
  std::string open_reason_;
  bool disconnect_reported_ = false;
  std::uint32_t deaths_ = 0;  // of its children, since something was settled
  Throttle trouble_;

  // Messages that failed.
  Nanoseconds retry_due_{0};
  std::string retry_reason_;
};

}  // namespace standpipe::deliver
