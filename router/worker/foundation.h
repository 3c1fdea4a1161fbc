// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "config/hub_options.h"
#include "deliver/crash_note.h"
#include "keeper/link.h"
#include "log/arena.h"
#include "source/fifo_source.h"
#include "state/directory.h"
#include "state/memory.h"
#include "state/persistent.h"
#include "worker/hub_names.h"
#include "worker/pipe_budget.h"
#include "worker/topology.h"

namespace standpipe::worker {

// The foundation of a worker: the memory with what the hub consists of (topology.h), the stage, the
// arena of the logs, and the identity of the run. A first worker makes these; a later one inherits
// them.
//
// They are made in this order, and each gets what it needs of those before it as an argument: the
// keeper has the memory before anything lies in it, and the stage before a byte passes through. A
// kill in between leaves a successor the beginning of this list, which it completes.
class Foundation {
 public:
  // `options` gets what an earlier configuration has left. Throws state::Memory::Damaged when an
  // earlier worker's memory is damaged, and Failure when it has not the room that is needed.
  // `before`: topology.h.
  Foundation(config::HubOptions& options, keeper::Link& link, const Clock& clock,
             const HubNames* before = nullptr);

  // What the configuration has, without what an earlier one has left.
  const HubNames& names() const { return names_; }
  // There was a worker before this one.
  bool is_recovered() const { return memory().recovered(); }
  Topology& topology() { return topology_; }
  const Topology& topology() const { return topology_; }
  state::Memory& memory() { return topology_.memory(); }
  const state::Memory& memory() const { return topology_.memory(); }
  state::Directory& directory() { return topology_.directory(); }
  const PipeBudget& pipes() const { return pipes_; }
  source::Stage stage() const { return {stage_, dev_null_.get()}; }
  log::Arena& arena() { return arena_; }
  // Where the last worker's thread was when it died.
  deliver::CrashNote& crash_note();

  // ---- the run: what all workers of a hub have in common, from its start to its end. Plugins find
  // its id in the environment, as STANDPIPE_RUN, in hexadecimal.
  std::uint64_t run() const { return run_->id; }
  std::string run_text() const;  // as plugins find it
  Nanoseconds began() const {
    return Nanoseconds(run_->began_ns);
  }  // wall clock, as it was set then
  Nanoseconds since(const Clock& clock) const {
    return clock.wall_at(Nanoseconds(run_->began_steady_ns));
  }
  // All is at rest, and what is left goes to the disk: nothing else may happen any more, whichever
  // worker does it.
  bool is_saving() const { return run_->saving != 0; }
  void begin_saving();
  // All calls have come back, and the next worker takes over: a death from here on is nobody's
  // fault.
  void hand_over();
  // The last worker did so.
  bool was_handed_over() const { return was_handed_over_; }

 private:
  struct Run {
    std::uint64_t id;
    std::int64_t began_ns;  // wall clock
    std::int64_t began_steady_ns;
    std::uint64_t saving;
    std::uint64_t handed_over;
  };

  static Pipe open_stage(std::size_t bytes, keeper::Link& link);

  HubNames names_;
  PipeBudget pipes_;
  Topology topology_;
  Pipe stage_;
  Fd dev_null_;
  log::Arena arena_;
  state::Persistent<Run> run_;
  bool was_handed_over_ = false;
};

}  // namespace standpipe::worker
