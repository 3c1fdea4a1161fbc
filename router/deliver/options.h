// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deliver/account.h"
#include "deliver/queue_options.h"
#include "plugin/handler.h"
#include "plugin/registry.h"

namespace standpipe::deliver {

enum class Placement { inline_, thread, process };

// One configured instance of a plugin.
struct HandlerOptions {
  std::string name;  // the key in YAML
  const plugin::Plugin* plugin = nullptr;
  bool is_source = false;  // it is polled for messages, and is given none
  bool departed =
      false;  // the configuration no longer has it: what it has waits, and it is never called
  bool changed = false;               // since the last worker: a hold was for what it was before
  std::vector<plugin::Value> values;  // one for each declared option, in that order
  std::optional<Placement> placement = {};  // empty: as the plugin says
  // Tries of one message; 0: without end. With these pauses the last one is made after about
  // six minutes, so that an ordinary outage costs no message; whoever knows that it is one answers
  // `disconnected`, for which no attempt counts.
  unsigned attempts_max = 20;
  Nanoseconds age_max{0};   // since it was accepted: then a message is given no more; 0: it may be
                            // of any age
  bool dead_letter = true;  // what is rejected, or fails too often, is kept in data_dir; false: it
                            // is dropped and counted
  Reason rejects_for = Reason::rejected;  // no_route: see deliver/unmatched_letters.h
  bool is_for_unmatched_letters() const { return rejects_for == Reason::no_route; }
  std::uint64_t memory_max = 0;  // of its own process; 0: no limit
  std::string user = {};         // that its own process runs as; empty: the hub's
  Nanoseconds timeout{0};        // a call that takes longer is a hang, and a message that is taken
                                 // for longer has failed; 0: it may
  Nanoseconds backoff_initial = std::chrono::milliseconds(200);  // doubles up to
  Nanoseconds backoff_max = std::chrono::seconds(30);
  QueueOptions queue = {};

  // Whether its plugin may settle messages later; a plugin that is not there might have.
  bool may_take() const { return !plugin || !plugin->abi || plugin->may_take(); }

  // `accepted_ns`: since 1970.
  bool is_too_old(std::uint64_t accepted_ns, Nanoseconds wall) const {
    return age_max > Nanoseconds(0) &&
           wall - Nanoseconds(static_cast<std::int64_t>(accepted_ns)) > age_max;
  }

  // The pause after that many tries without progress, from 1. It is up to a quarter shorter than
  // the back-off, by chance, so that what failed together is not tried again together.
  Nanoseconds pause(unsigned tries, Nanoseconds now) const {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // its products' upper bits look random
    const auto chance =
        (std::hash<std::string>()(name) ^ static_cast<std::uint64_t>(now.count())) * kOdd >> 48;
    const auto longest = backoff(tries);
    return longest - longest / 4 * static_cast<std::int64_t>(chance) / 65536;
  }

  plugin::Kind kind() const { return is_source ? plugin::Kind::source : plugin::Kind::handler; }

  // As it is configured, or as the plugin asks. What this router does not know may block.
  Placement where() const {
    if (placement || !plugin) return placement.value_or(Placement::thread);
    const auto* abi = plugin->abi;
    const auto wanted = is_source ? abi->source->placement : abi->handler->placement;
    if (wanted == STANDPIPE_INLINE) return Placement::inline_;
    return wanted == STANDPIPE_PROCESS ? Placement::process : Placement::thread;
  }
  Nanoseconds backoff(unsigned tries) const {
    auto pause = backoff_initial;
    for (unsigned i = 1; i < tries && pause < backoff_max; ++i) pause *= 2;
    return std::min(pause, backoff_max);
  }
};

}  // namespace standpipe::deliver
