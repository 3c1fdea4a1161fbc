// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "deliver/delivery.h"
#include "deliver/overflow_file.h"
#include "state/persistent.h"

namespace standpipe::worker {

// Moves what the held handlers of one source hold back in its log to the disk, so that the others
// continue: a file among the source's spills, which the next start serves.
//
// Once a message of a handler is here its hold lasts until the hub stops, and so does this: all
// later ones of it come here too, or stay in memory and go to the stop's spill, which has a higher
// number. So the order of the files is each handler's order.
//
// A batch is appended, and then the cursors of its deliveries and the file's end move in one
// commit. After a worker's death what lies after that end is cut off and written again; after the
// death of all, the file's whole records are what is there.
//
// It is bounded, by `max` bytes a file. When that is reached, or the disk takes no more, the log
// stays full and the source's writers wait: nothing is lost.
class Overflow {
 public:
  // A delivery, and whom it is for.
  struct Held {
    deliver::Delivery* delivery;
    std::string_view handler;
    std::string reason;  // of the hold; empty: not known
  };
  struct State {
    std::string path;
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    std::uint64_t max = 0;
    Nanoseconds since{0};  // wall clock
    std::string stuck;     // why it takes no more; empty: it does
  };

  Overflow(state::Memory& memory, std::string data_dir, std::string source, std::uint64_t max,
           const Clock& clock, Reporter& reporter);

  // Of a source that an earlier worker had, or nobody: as `number`.
  static std::uint64_t number_in(const state::Memory& memory, const std::string& source);

  // Takes a batch of what the held ones have before `until`, the oldest first. true: their cursors
  // moved, and that was committed. Each of the deliveries has all that it gave out.
  bool absorb(std::span<const Held> held, log::Cursor until);
  // After a failure it is tried again; when to ask for that. Empty: there was none.
  std::optional<Nanoseconds> retry_at() const { return retry_at_; }

  // The number of its file among the source's spills, even if nothing is in it yet; 0: there is
  // none.
  std::uint64_t number() const { return persistent_->end.number; }
  // What was taken is on the disk, even if the power fails: for whoever deletes another copy of it.
  // false: it is not.
  bool sync();
  // Nothing more comes. Says so if the disk refuses; what was taken is there all the same.
  void finish();
  // Empty: nothing was taken.
  std::optional<State> state() const;

 private:
  // What outlives the worker.
  struct OverflowRecord {
    deliver::OverflowFile::End end;
    std::uint64_t since_ns;  // steady clock
  };

  bool open(std::span<const Held> held);
  bool append(std::span<const Held> held, log::Cursor until, log::Cursor& end);
  void report_begin(std::span<const Held> held) const;
  void report_full(std::span<const Held> held);
  void report_failure(const Failure& failure);

  state::Memory& memory_;
  std::string data_dir_, source_;
  std::uint64_t max_;
  const Clock& clock_;
  Reporter& reporter_;
  state::Persistent<OverflowRecord> persistent_;
  std::optional<deliver::OverflowFile> file_;  // opened when it is needed
  std::string stuck_;
  std::optional<Nanoseconds> retry_at_;
};

}  // namespace standpipe::worker
