// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "deliver/options.h"
#include "worker/data.h"
#include "worker/delivery_table.h"
#include "worker/disk_queue.h"
#include "worker/event_loop.h"
#include "worker/foundation.h"
#include "worker/handler_table.h"
#include "worker/queue_writer.h"
#include "worker/source_table.h"

namespace standpipe::worker {

struct QueueState {
  std::string source, handler, folder;
  std::uint64_t waiting = 0;  // messages that the handler is not through with
  std::uint64_t bytes = 0, max = 0;
  std::string stuck;                             // why it takes no more; empty: it does
  std::optional<Nanoseconds> overflows_since{};  // wall clock; none: it is configured
};

// All queues on disk, which their sources own, and the thread that writes them. Those that are
// configured are there from the beginning; an overflow is added when it is needed for the first
// time, and is there until the run ends, because outputs remember what readers took of it.
class DiskQueues {
 public:
  DiskQueues(EventLoop& loop, Foundation& foundation, SourceTable& sources, HandlerTable& handlers,
             DeliveryTable& deliveries, std::uint64_t overflow_max, const Clock& clock,
             Reporter& reporter)
      : loop_(loop),
        foundation_(foundation),
        sources_(sources),
        handlers_(handlers),
        deliveries_(deliveries),
        overflow_max_(overflow_max),
        clock_(clock),
        reporter_(reporter),
        writer_([&loop] { loop.wake(); }) {}

  // Whether that source has one for a handler: because it is configured, or because an earlier
  // configuration had one or has left messages in one.
  bool has_one(const Data& data, const std::string& source,
               const deliver::HandlerOptions& handler) const;
  // The handler has `from` already. Commits. Throws Failure: the memory has no room for one more.
  DiskQueue& add(const std::string& data_dir, std::size_t source, std::size_t handler,
                 const deliver::HandlerOptions& options, deliver::Delivery& from);
  // The same while the hub runs.
  DiskQueue& add_overflow(const std::string& data_dir, std::size_t source, std::size_t handler,
                          deliver::Delivery& from);

  // Messages of that source came, or some became final.
  void want(std::size_t source) {
    if (!sources_[source].queues.empty()) ready_.add(source);
  }
  void want_all();
  bool has_work() const { return !ready_.empty(); }
  // `feeds`: also for the handlers.
  void round(bool feeds);
  // The log of that source is full: a queue that drops, and cannot be written, does not hold it.
  void give_way(std::size_t source);
  // The queue that one of these deliveries is of; nullptr: none.
  DiskQueue* from(const deliver::Delivery& delivery) const;
  const DiskQueue* to(const deliver::Delivery& delivery) const;

  // Of overflows: those that are armed.
  std::vector<QueueState> states() const;
  std::uint64_t overflowed() const;  // bytes on disk of all overflows

  // ---- the hub ends
  // Nothing is left of what came, but what waits in files for handlers that are held, or `left`.
  bool all_drained(const std::vector<const deliver::HandlerLoop*>& left) const;
  // All that the handler has not dealt with is in files, and on the disk as far as `sync` asks.
  bool have_all_of(const deliver::HandlerLoop& handler) const;
  void finish();
  void check_invariants() const;

 private:
  void advance(std::size_t source, DiskQueue& queue, bool feeds);
  void recall(const DiskQueue& queue);

  EventLoop& loop_;
  Foundation& foundation_;
  SourceTable& sources_;
  HandlerTable& handlers_;
  DeliveryTable& deliveries_;
  std::uint64_t overflow_max_;
  const Clock& clock_;
  Reporter& reporter_;
  Ready ready_;
  QueueWriter writer_;
};

}  // namespace standpipe::worker
