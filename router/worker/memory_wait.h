// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/reminder.h"
#include "base/reporter.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"
#include "worker/source_state.h"

namespace standpipe::worker {

// A source whose log has no room for what comes. Usually its own messages wait there, and nothing
// is wrong. But a large frame may wait for memory that others have, and its source, which reads
// nothing meanwhile, must report that.
class MemoryWait {
 public:
  MemoryWait(const FifoStream& stream, const Clock& clock, Reporter& reporter)
      : stream_(stream), clock_(clock), reporter_(reporter) {}

  // There is no room; there is room. The latter returns whether there was none before.
  void begin();
  bool end();
  bool active() const { return since_.has_value(); }

  // As `stats` says it; empty: no large frame waits for memory.
  std::optional<SourceState> state(const Intake& intake) const;
  // Reports it once it has lasted long, more seldom each time.
  void remind(const Intake& intake);

 private:
  std::optional<Nanoseconds> large_since(const Intake& intake) const;
  std::string text(const Intake& intake) const;

  const FifoStream& stream_;
  const Clock& clock_;
  Reporter& reporter_;
  std::optional<Nanoseconds> since_;  // steady clock
  Reminder reminder_;
};

}  // namespace standpipe::worker
