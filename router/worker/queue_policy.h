// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/backlog.h"
#include "worker/handler_table.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// Keeps the queues of handlers that drop (deliver/queue_options.h) within their limits, and keeps
// them from standing in others' way.
//
// A log is given back from its beginning only, so what a queue holds also holds all that came after
// it, for whomever that is. When the log is full, such a queue gives way whether or not it is
// within its own limits, and also where it drops the newest otherwise: a part of its oldest
// messages is dropped. What a plugin has in a call is dropped when that call has taken a second,
// for it may never come back (HandlerLoop::write_off_call); what an output has whose reader has
// gone is taken back for it.
class QueuePolicy {
 public:
  QueuePolicy(SourceTable& sources, HandlerTable& handlers, const Clock& clock, Reporter& reporter)
      : sources_(sources), handlers_(handlers), clock_(clock), reporter_(reporter) {}

  // Messages came, or may have been given back: drops what is over the limits.
  void enforce(std::size_t source);
  // The log of that source is full: those that hold it, and drop, give way. Returns when that is to
  // be tried again; nullopt: when something happens.
  std::optional<Nanoseconds> give_way(std::size_t source);

 private:
  struct Told {
    std::uint64_t dropped = 0;
    Throttle throttle;
  };

  void drop(SourceSlot& source, deliver::Backlog& backlog, std::uint64_t bytes);
  deliver::HandlerLoop& handler_of(const SourceSlot& source, const deliver::Backlog& backlog);
  void report(const SourceSlot& source, const deliver::Backlog& backlog);
  void report_written_off(const SourceSlot& source, const deliver::HandlerLoop& handler);

  SourceTable& sources_;
  HandlerTable& handlers_;
  const Clock& clock_;
  Reporter& reporter_;
  std::map<const deliver::Delivery*, Told> told_;
  Throttle written_off_;
};

}  // namespace standpipe::worker
