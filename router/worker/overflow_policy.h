// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "deliver/handler_loop.h"
#include "log/log.h"
#include "state/memory.h"
#include "worker/checkpoint_timer.h"
#include "worker/event_loop.h"
#include "worker/handler_table.h"
#include "worker/overflow.h"
#include "worker/shutdown.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// What held handlers hold back of one source, on disk.
struct OverflowState {
  std::string source;
  Overflow::State state;
};

// Decides what of a full log goes to the disk: what held handlers have not got, as far as the
// other handlers of the source have passed it. Where all handlers of a source are held nothing
// goes there, and its writers wait, as for any reader of a FIFO that stands still.
class OverflowPolicy {
 public:
  OverflowPolicy(EventLoop& loop, state::Memory& memory, SourceTable& sources,
                 HandlerTable& handlers, CheckpointTimer& checkpoints, const Shutdown& shutdown,
                 Reporter& reporter)
      : loop_(loop),
        memory_(memory),
        sources_(sources),
        handlers_(handlers),
        checkpoints_(checkpoints),
        shutdown_(shutdown),
        reporter_(reporter) {}

  // Makes room for a full source: in its own log, and, if memory is short, in all logs.
  void make_room(std::size_t source);
  // That handler may have been held since its sources were full.
  void make_room_beside(const deliver::HandlerLoop& held);
  // Moves a batch of what held handlers hold back of that source to the disk.
  void save(std::size_t source);
  // Nothing more of that source goes there. Before the spill of the same source, which is younger.
  void finish(SourceSlot& source);
  // Of those that have any.
  std::vector<OverflowState> states() const;

 private:
  std::vector<Overflow::Held> held_of(const SourceSlot& source, log::Cursor& until);

  EventLoop& loop_;
  state::Memory& memory_;
  SourceTable& sources_;
  HandlerTable& handlers_;
  CheckpointTimer& checkpoints_;
  const Shutdown& shutdown_;
  Reporter& reporter_;
};

}  // namespace standpipe::worker
