// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/signals.h"

namespace standpipe::keeper {

// The terminal that the hub was started in, if any: what its keys and its end mean, as distinct
// from the same signals sent by a person or a program.
//
//   SIGHUP   By the kernel, or when the terminal is gone: a hang-up. It stops the hub, unless
//            SIGHUP was ignored at the start (nohup) or --ignore-hangup was given. Otherwise it is
//            a request to reload.
//   SIGINT   By the kernel, where SIGINT was ignored at the start: a key for the foreground job,
//            while a shell without job control runs the hub in the background. It is ignored.
//
// A shell that ends sends SIGHUP a moment before the kernel takes the terminal away, so it is
// checked again a little later.
class Terminal {
 public:
  static constexpr Nanoseconds kPollInterval = std::chrono::milliseconds(300);

  // As it is now. Made before anybody listens to signals.
  explicit Terminal(bool ignore_hangup);

  enum class Meaning { as_sent, hangup, nothing };
  Meaning of(Signals::Came came, Nanoseconds now);

  std::optional<Nanoseconds> next() const { return poll_at_; }
  // Whether the terminal has gone in the time since a SIGHUP.
  bool poll(Nanoseconds now);

 private:
  Meaning hangup() const;

  bool ignores_interrupt_;
  bool ignores_hangup_;
  bool was_there_;
  std::optional<Nanoseconds> poll_at_ = {};
};

}  // namespace standpipe::keeper
