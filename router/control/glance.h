// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace standpipe::control {

struct GlanceSource {
  std::string name;
  std::uint64_t accepted = 0, unmatched = 0, unmatched_taken = 0;
};

struct GlanceLatency {
  Nanoseconds p50{0}, p99{0};
};

struct GlanceDelivery {
  std::string source, handler;
  std::uint64_t matched = 0, delivered = 0, filtered = 0, dropped = 0, dead_lettered = 0;
  std::uint64_t saved = 0;              // of those in flight: on the disk, for the next start
  std::optional<Nanoseconds> age = {};  // of the oldest of the others
  std::optional<GlanceLatency> latency = {};

  // In the logs, in the handler's hands or on the disk. It is what is left, and not counted, so
  // that asking costs a hub with a backlog nothing.
  std::uint64_t in_flight() const {
    return matched - delivered - filtered - dropped - dead_lettered;
  }
};

struct GlanceDropped {
  std::string reason;
  std::uint64_t messages = 0;
};

// A running hub's counters at one moment, as the answer to "glance": what `stats` makes a table and
// rates of. As text it is a record a line, its fields separated by tabs, the record's kind first:
//
//   hub       file, began, loaded, written (seconds since 1970; of the file on disk; empty: it is
//             not there), restarts
//   at        when the counters were read, nanoseconds of the hub's steady clock
//   source    name, accepted, unmatched, unmatched that a handler was given
//   delivery  source, handler, matched, delivered, filtered, dropped, dead-lettered, saved, for how
//             long the oldest message has waited that is not saved (ms; empty: none is known), and
//             how long messages lately took to be delivered: half of them, 99 of 100 (ns; empty:
//             none was)
//   dropped   reason, messages, of all deliveries
//   note      a line for people
//
// Newer hubs may append fields and add kinds; both are skipped by who does not know them. No field
// has a tab or a line's end in it (they become spaces).
struct Glance {
  std::string file;                    // the configuration, as the user named it
  Nanoseconds began{0}, loaded{0};     // since 1970, to the second
  std::optional<Nanoseconds> written;  // the file on disk, last
  std::uint64_t restarts = 0;          // of the worker
  Nanoseconds at{0};
  std::vector<GlanceSource> sources;
  std::vector<GlanceDelivery> deliveries;
  std::vector<GlanceDropped> dropped;
  std::vector<std::string> notes;

  std::string text() const;
  // Throws Failure when it is no such text.
  static Glance parse(std::string_view text);
};

}  // namespace standpipe::control
