// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "log/arena.h"
#include "source/options.h"
#include "worker/data.h"
#include "worker/source_table.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// While a hub stops, its sources' FIFOs are closed to new openings, and whatever was written to
// them is taken; the next hub opens them again. What the one needs to know of the other stands in
// the stop notes (stop_notes.h), on the disk before a FIFO's mode is changed.
//
//   close -> accept_last -> leave_notes -> report_lost; in the next hub: open_closed -> resume
class SourceGates {
 public:
  SourceGates(SourceTable& sources, Data& data, const Clock& clock, Reporter& reporter)
      : sources_(sources), data_(data), clock_(clock), reporter_(reporter) {}

  // ---- the stop
  void close();
  // Outputs have stopped: what they wrote to our own sources is accepted here, too. `run`: its id,
  // under which the FIFOs are sealed.
  void accept_last(log::Arena& arena, std::uint64_t run);
  // Everything is saved. The FIFOs get their modes back, though nobody can write to them before
  // there is another hub.
  void leave_notes();
  // Reports what is left in FIFOs that could not be sealed: a writer that has one open could write
  // until now, and what it wrote since the last read is in no account.
  void report_lost();
  std::uint64_t lost_bytes() const { return lost_bytes_; }

  // ---- the start of a first worker
  // Opens FIFOs that a hub left closed when it was killed while it stopped. Before the FIFOs are
  // opened for reading.
  void open_closed(const std::vector<source::SourceOptions>& options);
  // Each source continues where the last hub's stop has left its FIFO.
  void resume();

 private:
  SourceTable& sources_;
  Data& data_;
  const Clock& clock_;
  Reporter& reporter_;
  std::uint64_t lost_bytes_ = 0;
  std::vector<StopNote> left_;  // by the hub before this one
};

}  // namespace standpipe::worker
