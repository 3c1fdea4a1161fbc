// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/reporter.h"
#include "source/fifo_source.h"
#include "state/persistent.h"
#include "worker/acceptance.h"
#include "worker/allowance.h"
#include "worker/discarding.h"
#include "worker/feed.h"
#include "worker/fifo_mode.h"
#include "worker/fifo_name.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"
#include "worker/last_bytes.h"
#include "worker/skipping.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// Feeds what writers send into a FIFO. A turn does one of three things with what came:
//
//   accept (worker/acceptance.h)     the stream makes sense
//   skip (worker/skipping.h)         the rest of a frame that was abandoned
//   discard (worker/discarding.h)    the stream makes no sense, until all writers have gone
//
// When the hub stops: mode().plan_to_close, close -> begin_stop -> read_on -> accept_last ->
// mode().open. A FIFO has no acknowledgement, so what was passed tells its writers nothing.
class FifoFeed final : public Feed {
 public:
  // What a relay decides and does about the bytes of a turn.
  class Via : public StageHook {
   public:
    // What a turn should move at most. `frame_bytes`: of the incomplete frame; 0: not known.
    virtual std::size_t most(std::uint64_t frame_bytes) = 0;
  };

  FifoFeed(const source::SourceOptions& options, std::size_t id, const source::Stage& stage,
           state::Memory& memory, const Clock& clock, Reporter& reporter,
           std::optional<Fd> kept = {});

  void recover(Intake& intake) override;
  Turn feed(Intake& intake) override { return feed(intake, nullptr); }
  Turn feed(Intake& intake, Via* via);
  void passed(log::Position) override {}

  // Bytes of a turn.
  void read_at_most(std::size_t bytes) { turn_most_ = bytes; }

  FifoStream& stream() { return stream_; }
  const FifoStream& stream() const { return stream_; }
  FifoName& name() { return name_; }
  const FifoName& name() const { return name_; }
  FifoMode& mode() { return mode_; }
  Discarding& discarding() { return discarding_; }
  const Discarding& discarding() const { return discarding_; }
  Acceptance& acceptance() { return acceptance_; }
  // Of several things that are wrong, that nobody can write is reported first.
  SourceState state(const Intake& intake) const;

  // The configuration no longer has it: it reads no more, and what it has of a frame stays, in case
  // it comes back.
  void depart();
  // It reads for the last time, as far as its log has room.
  void read_last();
  // All was read that is to be. Returns the FIFO that was read until now, still open; from now on
  // there is none.
  source::FifoSource end();

  // ---- the stop
  // Accept only what waits in the FIFO now, and the rest of the frame that it ends in.
  void begin_stop();
  bool stopped() const { return allowance_.spent(); }
  // Accept whatever comes as long as the log has room.
  void read_on();
  // Accepts all that was written, whatever the limits of memory are (they are lifted), and seals
  // the FIFO (LastBytes::take).
  void accept_last(Intake& intake, std::uint64_t seal, Nanoseconds patience);
  bool is_sealed() const { return last_bytes_.is_sealed(); }
  StopNote stop_note() const;
  // A first worker: the last hub stopped and left this of the FIFO.
  void resume(const StopNote* note) { last_bytes_.resume(note, memory_); }

 private:
  // What outlives the worker.
  struct State {
    FifoStream::State stream;
    Skipping::State skipping;
    Discarding::State discarding;
    LastBytes::State last_bytes;
    FifoMode::State mode;
  };

  Turn turn(Intake& intake, Via* via);
  Turn accept(Intake& intake, Via* via);
  Turn skip(Intake& intake);
  Turn discard(Intake& intake);
  void writers_left(Intake& intake);

  state::Memory& memory_;
  state::Persistent<State> state_;
  FifoStream stream_;
  Skipping skipping_;
  Discarding discarding_;
  Acceptance acceptance_;
  Allowance allowance_;
  std::size_t turn_most_ = SIZE_MAX;
  bool has_departed_ = false;
  LastBytes last_bytes_;
  FifoMode mode_;
  FifoName name_;
};

}  // namespace standpipe::worker
