// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/reminder.h"
#include "base/reporter.h"
#include "deliver/handler_loop.h"
#include "worker/data.h"
#include "worker/disk_queues.h"
#include "worker/event_loop.h"
#include "worker/handler_table.h"
#include "worker/shutdown.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// Decides what of a full log goes to the disk, so that a handler that is away stops no other: one
// that is held, or that for kAwayAfter has been disconnected, or without a reader, or could not
// have its dead letters kept. What it holds back goes through an overflow (worker/disk_queue.h)
// until it has all of that.
//
// Only where it is away, and another handler of the source, which is there, is further on: one that
// is there and slow makes writers wait, and so do those of a source of which all handlers are away,
// as a plain FIFO does. Nor does a handler overflow that has a queue of its own: its `when_full`
// says what happens.
class OverflowPolicy {
 public:
  // A reader, or a connection, that is back within that time costs no disk.
  static constexpr Nanoseconds kAwayAfter = std::chrono::milliseconds(500);

  OverflowPolicy(EventLoop& loop, std::uint64_t max, Data& data, SourceTable& sources,
                 HandlerTable& handlers, DiskQueues& queues, const Shutdown& shutdown,
                 Reporter& reporter)
      : loop_(loop),
        max_(max),
        data_(data),
        sources_(sources),
        handlers_(handlers),
        queues_(queues),
        shutdown_(shutdown),
        reporter_(reporter) {}

  // Makes room for a full source: in its own log, and, if memory is short, in all logs.
  void make_room(std::size_t source);
  // That handler may have been held since its sources were full.
  void make_room_beside(const deliver::HandlerLoop& held);
  // The same in the log of that source alone.
  void press(std::size_t source);

 private:
  // A handler of a source.
  struct Reader {
    std::size_t handler;
    deliver::Delivery* delivery;
    std::optional<deliver::Absence> away;  // none: it is there, or has a queue of its own
  };
  std::vector<Reader> readers_of(const SourceSlot& source, std::optional<Nanoseconds>& next) const;
  bool any_away(const SourceSlot& source) const;
  bool may_overflow(const Reader& reader) const;
  void press(std::size_t source, const Reader& reader);
  void report_none(std::size_t source, const Reader& reader, const Failure& failure);

  EventLoop& loop_;
  std::uint64_t max_;
  Data& data_;
  SourceTable& sources_;
  HandlerTable& handlers_;
  DiskQueues& queues_;
  const Shutdown& shutdown_;
  Reporter& reporter_;
  std::map<const deliver::Delivery*, Reminder> refused_;
};

}  // namespace standpipe::worker
