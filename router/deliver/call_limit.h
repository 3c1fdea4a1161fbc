// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "deliver/call.h"

namespace standpipe::deliver {

// The call that a handler's process is in, how long it may take, and when it is to be looked
// whether it hangs. Calls in which the plugin works on messages have the handler's timeout; one
// that the loop itself waits for may not take for ever; the others may.
//
// While calls have a limit it is looked now and then, and for one such time after the last one. So
// the loop need not wake the thread that looks for each of many calls.
//
// Not thread-safe: whoever has it guards it.
class CallLimit {
 public:
  // The first call, which the loop itself waits for.
  static constexpr Nanoseconds kRunMost = std::chrono::seconds(30);
  // How often it is looked whether a call hangs, at least and at most.
  static constexpr Nanoseconds kLookLeast = std::chrono::milliseconds(20);
  static constexpr Nanoseconds kLookMost = std::chrono::milliseconds(250);

  // `timeout`: 0: there is none.
  explicit CallLimit(Nanoseconds timeout) : timeout_(timeout) {}

  void begin(CallKind kind, Nanoseconds now);
  void end() { kind_ = CallKind::none; }
  CallKind kind() const { return kind_; }  // none: there is no call in progress
  std::uint64_t number() const { return number_; }
  bool is_in(std::uint64_t number) const { return kind_ != CallKind::none && number == number_; }
  // The loop waits for the call in progress, or no more.
  void set_waited_for(bool is_waited_for) { is_waited_for_ = is_waited_for; }

  Nanoseconds most() const;  // 0: without end
  bool is_overdue(Nanoseconds now) const;
  // When to look, if nothing happens before; nullopt: only then. `has_process`: there is one.
  std::optional<Nanoseconds> look_after(bool has_process, Nanoseconds now);
  // Whoever looks was told to sleep, and there is a limit now.
  bool wants_look() const { return sleeps_ && most() > Nanoseconds(0); }

 private:
  Nanoseconds timeout_;
  CallKind kind_ = CallKind::none;
  Nanoseconds began_{0};
  std::uint64_t number_ = 0;
  bool is_waited_for_ = false;
  bool sleeps_ = true;
};

}  // namespace standpipe::deliver
