// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "deliver/account.h"
#include "deliver/handler_state.h"
#include "worker/hub.h"
#include "worker/source_state.h"

namespace standpipe::worker {

// What the hub's process knows about it and the hub does not.
struct Facts {
  std::string file;            // the configuration, as the user named it
  Nanoseconds since{0};        // wall clock, when it became ready
  std::uint64_t restarts = 0;  // of the worker, since then
  pid_t process = 0;           // the keeper's: the one to signal
};

// A running hub at one moment, for those who ask at the control socket.
struct Report {
  struct Handler {
    std::string name;
    deliver::HandlerState state;
  };
  struct Source {
    std::string name;
    SourceState state;
  };
  Facts facts;
  std::vector<Handler> handlers;
  std::vector<Hub::RelayState> relays;
  std::vector<Source> sources = {};
  std::vector<Hub::OverflowState> overflows = {};
  deliver::Account account;

  std::string text(Nanoseconds now) const;  // for people, in local time
  std::string json() const;                 // one object: the account's, and what is above it
};

// Answers a request: "stats" or "stats json". Throws Failure for others, with the list.
std::string answer(std::string_view request, const Hub& hub, const Facts& facts);

}  // namespace standpipe::worker
