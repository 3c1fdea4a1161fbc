// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/latency.h"

namespace standpipe::deliver {

// Why a message was not delivered, or bytes were not a message. A closed list: the same words in
// the account, in dead letters, in metrics and in the documentation.
enum class Reason : std::uint8_t {
  no_route,
  bad_frame,
  too_large,
  truncated,
  rejected,
  retries_exhausted,
  timeout,
  crashed,
  expired,
  queue_full,
  loop,
  unacknowledged,  // not dropped: a part of delivered
  shutdown,
  skipped,  // a person let its handler pass it
  damaged,  // it was in a queue on disk, and cannot be read
};
constexpr std::size_t kReasons = 15;
std::string_view reason_name(Reason reason);
// Those for which messages are dead-lettered.
constexpr std::array kDeadReasons = {Reason::rejected, Reason::retries_exhausted, Reason::timeout,
                                     Reason::crashed,  Reason::shutdown,          Reason::expired,
                                     Reason::skipped,  Reason::no_route};

// What became of the messages that one source had for one handler.
//   matched = delivered + filtered + sum(dropped) + dead_lettered + in flight
// (For the unmatched handler `matched` has what it was given for want of a route, too; the account
// tells the two apart.)
struct Tally {
  std::uint64_t matched = 0;
  std::uint64_t delivered = 0;
  std::uint64_t filtered = 0;
  std::uint64_t dead_lettered = 0;
  std::array<std::uint64_t, kDeadReasons.size()> dead_by{};  // of these, in that order
  // Part of delivered: the last that readers took before they left. A FIFO has no acknowledgement,
  // so whether they were through with it only they know; most were. So it is there for programs,
  // and stands in no text.
  std::uint64_t unacknowledged = 0;
  std::array<std::uint64_t, kReasons> dropped{};

  void drop(Reason reason, std::uint64_t messages) {
    dropped[static_cast<std::size_t>(reason)] += messages;
  }
  // For one of the reasons for which messages are kept so; shutdown: nobody has the handler any
  // more.
  void dead_letter(Reason reason, std::uint64_t messages);
  Tally& operator+=(const Tally& other);
  std::uint64_t dropped_sum() const;
  std::uint64_t settled() const { return delivered + filtered + dead_lettered + dropped_sum(); }
};

// What came in by one source.
//   accepted = matched + unmatched        (a frame is matched when it is found)
struct SourceCounters {
  std::uint64_t accepted = 0;   // messages
  std::uint64_t matched = 0;    // that some route wanted
  std::uint64_t unmatched = 0;  // that none wanted: to the unmatched handler, or dropped (no_route)
  std::uint64_t unmatched_taken = 0;  // those of them that the unmatched handler was given
  std::uint64_t bytes = 0;            // of accepted frames, as on the wire
  std::uint64_t bad_frame = 0;  // streams that stopped making sense (a length beyond the limit)
  std::uint64_t truncated = 0;  // frames whose rest could not come, or was not waited for
  std::uint64_t discarded_bytes = 0;        // that belonged to no whole frame
  std::uint64_t above_match_max = 0;        // messages that were too large for routes to look into
  std::uint64_t too_long_for_patterns = 0;  // messages on which slow patterns were not tried
};

// The sum of the hub's counters at one moment. It is made on demand; `in_flight` is counted from
// logs and cursors each time, so that the sums are a check and not a definition.
struct Account {
  struct Source {
    std::string name;
    SourceCounters counters;
    std::string unmatched_to = {};  // the unmatched handler; empty: they are dropped
  };
  struct Line {
    std::string source;
    std::string handler;
    Tally tally;
    std::uint64_t in_flight = 0;
    std::uint64_t unmatched =
        0;  // part of what the tally calls matched: it came here because no route wanted it
    std::uint64_t saved = 0;  // of those in flight: they are on the disk, for the next start
    // When the oldest of the others was accepted, ns since 1970; where somebody asked.
    std::optional<std::uint64_t> oldest = {};
    std::optional<Percentiles> latency = {};  // of what was delivered lately
    bool closes() const { return tally.matched == tally.settled() + in_flight; }
  };
  std::vector<Source> sources;
  std::vector<Line> lines;
  std::uint64_t spilled = 0;  // of those in flight: they are on the disk, for the next start
  std::uint64_t removed_letters = 0;  // dead letters, of whatever run, that limits left no room for

  bool closes() const;
  std::uint64_t lost_at_stop() const;  // neither delivered nor saved when the hub ended
  std::string text() const;            // for people
  std::string json() const;            // one object, for programs
};

}  // namespace standpipe::deliver
