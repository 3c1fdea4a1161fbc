// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/reporter.h"
#include "keeper/link.h"
#include "source/fifo_source.h"
#include "worker/data.h"
#include "worker/event_loop.h"
#include "worker/source_gates.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// The sources' FIFOs as the world has them: each is claimed, so that no other hub reads it; kept
// by the keeper before anything is read from it; grown; and watched. One that somebody removes or
// replaces while the hub runs is found on a timer (fifo_patrol.h), read to its end, and made or
// opened again.
class SourceFifos {
 public:
  // `grow_to`: bytes that each is to hold; 0: it stays as it is.
  SourceFifos(EventLoop& loop, SourceTable& sources, keeper::Link& link, std::size_t grow_to,
              Data& data, const Clock& clock, Reporter& reporter);

  // A source that was made just now; `is_kept`: with the FIFO that the keeper has of it. Throws
  // Failure, also when another hub reads its FIFO.
  void begin(Inlet& inlet, FifoWatch& watch, bool is_kept);
  void begin_patrol();
  // Whether every FIFO still has its name. `beside` is done in the same round.
  template <class Beside>
  void patrol(Beside beside) {
    const auto began = clock_.steady();
    look_for_lost();
    beside();
    patrol_after(clock_.steady() - began);
  }
  // The old FIFO was read to its end, and nobody has it open to write. If the new one cannot be
  // opened, the next patrol tries again.
  void reopen(std::size_t source);
  // A source that is no more was read for the last time: its FIFO is closed, here and by the
  // keeper, so that its writers learn of it. What is left in it is lost, and said.
  void close(std::size_t source);
  // What is done to all of them at a stop, and when the next hub begins.
  SourceGates& gates() { return gates_; }
  const SourceGates& gates() const { return gates_; }

 private:
  void look_for_lost();
  void patrol_after(Nanoseconds took);
  void claim(const source::FifoSource& fifo) const;

  EventLoop& loop_;
  SourceTable& sources_;
  keeper::Link& link_;
  std::size_t grow_to_;
  const Clock& clock_;
  Reporter& reporter_;
  SourceGates gates_;
};

}  // namespace standpipe::worker
