// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deliver/account.h"
#include "deliver/delivery.h"
#include "deliver/handler_loop.h"
#include "worker/disk_queues.h"
#include "worker/handler_table.h"
#include "worker/replay.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// The account of a hub, which is made from its sources, handlers and queues when somebody asks. A
// source and a handler have one line, also where a queue on disk or a replay lies between them.
//
// The loop's thread.
class HubAccount {
 public:
  // What is in flight is counted in logs and cursors, which is a check and costs the more the more
  // there is; or it is what is left of the sum, which costs nothing.
  enum class InFlight { counted, left };
  // What handlers had that the configuration no longer has (worker/topology.h): nobody delivers
  // it, and it is kept.
  struct Orphan {
    std::string source, handler;
    std::uint64_t messages;
  };
  // What it says besides of the hub.
  struct Facts {
    Nanoseconds now{0};                               // the wall clock
    const deliver::HandlerLoop* unmatched = nullptr;  // gets what no route wants; none: nobody
    bool has_ended = false;
  };

  HubAccount(const SourceTable& sources, const HandlerTable& handlers, const DiskQueues& queues)
      : sources_(sources), handlers_(handlers), queues_(queues) {}

  deliver::Account account(InFlight how, const Facts& facts) const;
  std::vector<Orphan> orphans() const;
  // Messages that would be lost with the memory: what comes from a queue on disk is there.
  std::uint64_t in_memory() const;

 private:
  deliver::Account::Line line_of(const deliver::Delivery& delivery,
                                 const deliver::HandlerLoop& handler, InFlight how,
                                 const Facts& facts) const;
  static void add_replay(deliver::Account& account, const Replay& replay, InFlight how,
                         bool has_ended);

  const SourceTable& sources_;
  const HandlerTable& handlers_;
  const DiskQueues& queues_;
};

}  // namespace standpipe::worker
