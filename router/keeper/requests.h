// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace standpipe::keeper {

// How often each thing was asked for, as it is said over the socket: "STOPS REOPENS RELOADS".
struct Wanted {
  unsigned stops = 0;    // the first lets the hub stop, the second lets it stop at once; more are not counted
  unsigned reopens = 0;  // that handlers open their files anew
  unsigned reloads = 0;  // that a changed configuration is taken up

  bool operator==(const Wanted&) const = default;
  std::string text() const;
  static std::optional<Wanted> from(std::string_view text);
};

// What people and service managers want of the hub, until its worker has said that it knows.
//
// Not passed on by signals: others send those to the worker as well (a terminal's Ctrl-C, a service manager that ends all
// processes), and the kernel merges one that waits with the next. The keeper says how often each thing was asked for, says it again
// until the answer agrees, and begins anew with each worker: so nothing is lost, however the worker dies or stands still, and
// nothing counts twice. Several requests to open files anew, of which the worker has answered none, become one.
class Requests {
 public:
  static constexpr unsigned kStopsMost = 2;
  static constexpr Nanoseconds kRepeat = std::chrono::milliseconds(100);
  // Two that come closer are one: `timeout` signals its child, and then the child's group. No person is so quick.
  static constexpr Nanoseconds kTogether = std::chrono::milliseconds(100);

  void want_stop(Nanoseconds now);
  void want_reopen() { ++wanted_.reopens; }
  void want_reload() { ++wanted_.reloads; }
  bool stop_is_wanted() const { return wanted_.stops > 0; }
  Nanoseconds stop_wanted_at() const { return stop_wanted_at_.value_or(Nanoseconds(0)); }  // the last time
  bool stop_at_once_is_wanted() const { return wanted_.stops >= kStopsMost; }

  // One that has heard nothing yet. What the one before it did not answer is wanted of this one.
  void begin_worker();
  void answered(std::string_view text);
  bool is_answered() const { return wanted_ == answered_; }

  std::optional<Nanoseconds> next() const;  // when to look again; empty: there is nothing to say
  // What to say now, if anything.
  std::optional<std::string> due(Nanoseconds now);

 private:
  Wanted wanted_, answered_, said_;
  Nanoseconds said_at_{0};
  std::optional<Nanoseconds> stop_wanted_at_;
};

}  // namespace standpipe::keeper
