// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "control/glance.h"
#include "deliver/account.h"
#include "deliver/handler_state.h"
#include "worker/disk_queues.h"
#include "worker/hub.h"
#include "worker/relay_policy.h"
#include "worker/source_state.h"

namespace standpipe::worker {

// What the hub's process knows about it and the hub does not.
struct Facts {
  std::string file;            // the configuration, as the user named it
  std::string place = {};      // where that is
  Nanoseconds since{0};        // wall clock, when it became ready
  std::uint64_t restarts = 0;  // of the worker, since then
  pid_t process = 0;           // the keeper's: the one to signal
  Nanoseconds loaded{0};       // wall clock, when the configuration in force was read; 0: not known
  std::uint64_t generation = 1;  // how many were in force, with this one
  bool changed_on_disk = false;  // what lies there reads otherwise
};

// A running hub at one moment, as reported at the control socket.
struct Report {
  struct Handler {
    std::string name;
    deliver::HandlerState state;
    bool is_source = false;  // its plugin is
  };
  struct Source {
    std::string name;
    SourceState state;
  };
  // The loop's, of this worker: how long the hub stood still at most.
  struct LongestRound {
    Nanoseconds took{0};   // 0: none has ended
    Nanoseconds ended{0};  // wall clock
  };
  Facts facts;
  std::vector<Handler> handlers;
  std::vector<RelayState> relays;
  std::vector<Source> sources = {};
  std::vector<QueueState> queues = {};  // on disk; also overflows
  deliver::Account account;
  LongestRound longest_round = {};

  std::string text(Nanoseconds now) const;  // for people, in local time
  std::string json() const;                 // one object: the account's, and what is above it
  // What `stats` makes a table of. `at`: the steady clock.
  control::Glance glance(Nanoseconds now, Nanoseconds at) const;

 private:
  std::vector<std::string> remarks(Nanoseconds now) const;
};

// Answers a request: "stats" and "stats json", with what is in flight counted, and "glance" and
// "glance json", whose cost does not grow with it. Throws Failure for others, with the list.
std::string answer(std::string_view request, const Hub& hub, const Facts& facts);

}  // namespace standpipe::worker
