// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/reporter.h"
#include "state/persistent.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"
#include "worker/source_state.h"

namespace standpipe::worker {

// A stream that stopped making sense: a frame claims more than the limit, so nothing after it can
// be trusted. Everything that comes is discarded and counted until all writers have gone; a writer
// that stays is reported again, less often each time.
class Discarding {
 public:
  // What outlives the worker.
  struct State {
    std::uint64_t bytes;      // thrown away since it began
    std::uint64_t began_ns;   // steady clock
    std::uint64_t reminders;  // that were said since
    std::uint32_t active;
    std::uint32_t reported;  // it was reported, so its end is reported too
  };

  Discarding(FifoStream& stream, state::Persistent<State> state, const Clock& clock,
             Reporter& reporter)
      : stream_(stream), state_(state), clock_(clock), reporter_(reporter) {}

  bool active() const { return state_->active != 0; }
  // The frame after the log's end claims that many bytes. What is there of it is dropped. Commits.
  void begin(Intake& intake, std::uint64_t claimed);
  // It had begun when the hub before this one stopped.
  void resume();
  // All its writers have gone.
  void end();
  // The caller commits.
  source::Accepted turn(Intake& intake, StageHook* hook = nullptr);
  // That many bytes came, and are gone.
  void passed(Intake& intake, std::size_t bytes);

  // As `stats` says it, while it is active.
  SourceState state() const;
  // When it is to be reported again. Empty: it is not active.
  std::optional<Nanoseconds> reminder_due() const;
  // If that is due. Commits.
  void remind(Intake& intake);

 private:
  void start(bool reported);
  void report(const Intake& intake, std::uint64_t claimed, std::uint64_t left_out) const;
  std::string how_to_end() const;

  FifoStream& stream_;
  state::Persistent<State> state_;
  const Clock& clock_;
  Reporter& reporter_;
};

}  // namespace standpipe::worker
