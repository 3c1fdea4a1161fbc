// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/reporter.h"
#include "deliver/delivery.h"
#include "deliver/spill_room.h"
#include "worker/data.h"
#include "worker/handler_table.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// Handles what a stop cannot deliver: it goes to spill files, which the next start serves, or is
// counted as dropped and reported. Disk space is reserved when the stop begins.
class StopSave {
 public:
  StopSave(SourceTable& sources, HandlerTable& handlers, Data& data, Reporter& reporter)
      : sources_(sources), handlers_(handlers), data_(data), reporter_(reporter) {}

  // Reserves room for everything in memory, as if nothing of it could be delivered.
  void reserve_spill_room();
  // Everything is at rest, and everything that is left is in the logs.
  void save();

 private:
  bool spill(SourceSlot& source);
  void drop(SourceSlot& source);
  std::string path_of(const SourceSlot& source, const deliver::Delivery& delivery) const;

  SourceTable& sources_;
  HandlerTable& handlers_;
  Data& data_;
  Reporter& reporter_;
  deliver::SpillRoom room_;
};

}  // namespace standpipe::worker
