// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/reporter.h"
#include "source/gate.h"
#include "state/persistent.h"
#include "worker/acceptance.h"
#include "worker/discarding.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"
#include "worker/skipping.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// The end of a source's FIFO when the hub stops: it is read empty and sealed (source/gate.h), so
// that all that a writer was told was written is accepted, and nothing can be written from then on.
//
// What is not a whole frame by then is abandoned. The next hub is told what its writer still owes:
// how much of a frame, or, if not even the length was whole, which bytes of that were there.
class LastBytes {
 public:
  // What outlives the worker: how far this is.
  struct State {
    std::uint64_t seal;      // the id of the page that closes it; 0: none yet
    std::uint64_t capacity;  // before that
    std::uint32_t sealed;
  };

  LastBytes(FifoStream& stream, Acceptance& acceptance, Skipping& skipping, Discarding& discarding,
            state::Persistent<State> state, const Clock& clock, Reporter& reporter);

  // Reads it empty and seals it under that id, whatever the limit of its log is. A worker before
  // this one may have done a part of that. `patience`: how long the end of a frame may take whose
  // writer is at it.
  void take(Intake& intake, std::uint64_t seal, Nanoseconds patience);
  // false: it could not be sealed, so that more may have been written, to nobody.
  bool is_sealed() const { return state_->sealed != 0; }
  // What the next hub must know.
  void tell(StopNote& note) const;
  // The hub before this one left that; none: nothing is known. Takes the seal out, if there is one.
  void resume(const StopNote* note, state::Memory& memory);

 private:
  bool was_sealed() const;
  bool read_to_seal(Intake& intake, std::uint64_t id, Nanoseconds patience);
  bool is_inside_frame(const Intake& intake) const {
    return intake.log().incomplete_bytes() > 0 || skipping_.active();
  }
  std::optional<source::Accepted> turn(Intake& intake, source::Seal* seal);
  std::optional<source::Accepted> accept(Intake& intake, StageHook* hook);
  void abandon(Intake& intake, bool rest_may_come);

  FifoStream& stream_;
  Acceptance& acceptance_;
  Skipping& skipping_;
  Discarding& discarding_;
  state::Persistent<State> state_;
  const Clock& clock_;
  Reporter& reporter_;
};

}  // namespace standpipe::worker
