// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

#include "deliver/handler_loop.h"
#include "worker/disk_queues.h"
#include "worker/event_loop.h"
#include "worker/handler_table.h"
#include "worker/output_table.h"
#include "worker/overflow_policy.h"
#include "worker/queue_policy.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// What is done about a source's log that is full, so that no handler holds up more than it must:
// what readers have taken without an event counts at once, queues that drop give way, what waits
// for a handler that is away goes to the disk, and where all memory is short, frames that hold much
// of it and do not come are ended. Writers wait only for what is left then.
//
// The loop's thread.
class FullLogs {
 public:
  FullLogs(EventLoop& loop, SourceTable& sources, HandlerTable& handlers, OutputTable& outputs,
           DiskQueues& disk_queues, QueuePolicy queues, OverflowPolicy overflows)
      : loop_(loop),
        sources_(sources),
        handlers_(handlers),
        outputs_(outputs),
        disk_queues_(disk_queues),
        queues_(std::move(queues)),
        overflows_(std::move(overflows)) {}

  // A turn of that source has ended: what came may be more than queues may hold, and its log may be
  // full.
  void after_turn(std::size_t source);
  // That source's log was trimmed, and still has no room.
  void after_trim(std::size_t source);
  // A handler of that source may count as away by now.
  void overflow(std::size_t source) { overflows_.make_room(source); }
  // That handler may have been held since its sources were full.
  void overflow_beside(const deliver::HandlerLoop& held) { overflows_.make_room_beside(held); }
  // Again and again while somebody waits for memory: ends frames that hold much and do not come.
  void end_dribbles();

 private:
  void sample_readers(std::size_t source);
  void give_way(std::size_t source);

  EventLoop& loop_;
  SourceTable& sources_;
  HandlerTable& handlers_;
  OutputTable& outputs_;
  DiskQueues& disk_queues_;
  QueuePolicy queues_;
  OverflowPolicy overflows_;
};

}  // namespace standpipe::worker
