// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace standpipe::keeper {

// How often each thing was asked for, as it is said over the socket: "STOPS REOPENS RELOADS".
struct Wanted {
  unsigned stops =
      0;  // the first lets the hub stop, the second lets it stop at once; more are not counted
  unsigned reopens = 0;  // that handlers open their files anew
  unsigned reloads = 0;  // that a changed configuration is taken up

  bool operator==(const Wanted&) const = default;
  std::string text() const;
  static std::optional<Wanted> from(std::string_view text);
};

// What people and service managers ask of the hub, until its worker has confirmed it.
//
// Requests are not forwarded as signals: others send those to the worker too (a terminal's Ctrl-C,
// a service manager that ends all processes), and the kernel merges a pending one with the next.
// Instead the keeper sends how often each thing was asked for, repeats that until the answer
// agrees, and starts again with each worker. So nothing is lost, however the worker dies or hangs,
// and nothing counts twice. Several unanswered requests to reopen files become one.
class Requests {
 public:
  static constexpr unsigned kStopsMost = 2;
  static constexpr Nanoseconds kRepeat = std::chrono::milliseconds(100);
  // Two requests closer together than this are one: `timeout` signals its child, and then the
  // child's group. No person is that quick.
  static constexpr Nanoseconds kTogether = std::chrono::milliseconds(100);

  void want_stop(Nanoseconds now);
  void want_reopen() { ++wanted_.reopens; }
  void want_reload() { ++wanted_.reloads; }
  bool stop_is_wanted() const { return wanted_.stops > 0; }
  Nanoseconds stop_wanted_at() const {
    return stop_wanted_at_.value_or(Nanoseconds(0));
  }  // the last time
  bool stop_at_once_is_wanted() const { return wanted_.stops >= kStopsMost; }

  // One that has heard nothing yet. What the one before it did not answer is wanted of this one.
  void begin_worker();
  void answered(std::string_view text);
  bool is_answered() const { return wanted_ == answered_; }

  std::optional<Nanoseconds> next() const;  // when to poll again; empty: there is nothing to say
  // What to say now, if anything.
  std::optional<std::string> due(Nanoseconds now);

 private:
  Wanted wanted_, answered_, reported_;
  Nanoseconds reported_at_{0};
  std::optional<Nanoseconds> stop_wanted_at_;
};

}  // namespace standpipe::keeper
