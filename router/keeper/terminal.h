// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/signals.h"

namespace standpipe::keeper {

// The terminal that the hub was started in, if it was: what its keys and its end mean, as distinct from the same signals that a
// person or a program sends.
//
//   SIGHUP   by the kernel, or when the terminal is gone: a hang-up. It ends the hub, unless SIGHUP was ignored at the start
//   (nohup)
//            or --ignore-hangup was given. Otherwise somebody asks for a reload.
//   SIGINT   by the kernel, where SIGINT was ignored at the start: a key meant for the job in the foreground, while a shell
//            without job control runs the hub in the background. Not for us.
//
// A shell that ends passes SIGHUP on a moment before the kernel takes the terminal away, so it is looked for again.
class Terminal {
 public:
  static constexpr Nanoseconds kLookAgain = std::chrono::milliseconds(300);

  // As it is now. Made before anybody listens to signals.
  explicit Terminal(bool ignore_hangup);

  enum class Meaning { as_sent, hangup, nothing };
  Meaning of(Signals::Came came, Nanoseconds now);

  std::optional<Nanoseconds> next() const { return look_at_; }
  // Whether the terminal has gone in the time since a SIGHUP.
  bool look(Nanoseconds now);

 private:
  Meaning hangup() const;

  bool ignores_interrupt_;
  bool ignores_hangup_;
  bool was_there_;
  std::optional<Nanoseconds> look_at_ = {};
};

}  // namespace standpipe::keeper
