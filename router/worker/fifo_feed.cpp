// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_feed.h"

#include <algorithm>
#include <utility>

namespace standpipe::worker {
namespace {

Turn turn_after(const source::Accepted& got) {
  return got.after == source::After::more ? Turn::more : Turn::idle;
}

}  // namespace

FifoFeed::FifoFeed(const source::SourceOptions& options, std::size_t id, const source::Stage& stage,
                   state::Memory& memory, const Clock& clock, Reporter& reporter,
                   std::optional<Fd> kept)
    : memory_(memory),
      state_(memory, "fifo/" + options.name),
      stream_(options, id, stage, memory, state_.part(&State::stream), clock, std::move(kept)),
      skipping_(stream_, state_.part(&State::skipping)),
      discarding_(stream_, state_.part(&State::discarding), clock, reporter),
      acceptance_(stream_, skipping_, discarding_, clock, reporter),
      last_bytes_(stream_, acceptance_, skipping_, discarding_, state_.part(&State::last_bytes),
                  clock, reporter),
      mode_(stream_, memory, state_.part(&State::mode)),
      name_(stream_, clock, reporter) {}

void FifoFeed::recover(Intake& intake) {
  const auto discarded = stream_.recover(intake.log());
  if (discarding_.active())
    discarding_.passed(intake, discarded);
  else
    skipping_.passed(intake, discarded);
  memory_.commit();
}

// ---- a turn

Turn FifoFeed::feed(Intake& intake, Via* via) {
  if (!allowance_.may_read()) return Turn::idle;
  const auto result = turn(intake, via);
  memory_.commit();
  return result;
}

Turn FifoFeed::turn(Intake& intake, Via* via) {
  if (discarding_.active()) return discard(intake);
  if (skipping_.active()) return skip(intake);
  return accept(intake, via);
}

Turn FifoFeed::accept(Intake& intake, Via* via) {
  // What the last turn had no time or no index room for.
  if (const auto turn = acceptance_.index_in_turn(intake)) return *turn;
  auto room = intake.room_for_stream();
  if (room.empty()) return acceptance_.stand_still(intake) ? Turn::more : Turn::full;
  room = room.first(allowance_.most(room.size(), intake.log().incomplete_bytes(), intake.need()));
  if (room.empty()) {
    allowance_.spend();
    return Turn::idle;
  }
  room = room.first(std::min(room.size(), turn_most_));
  if (via) room = room.first(std::min(room.size(), via->most(intake.need())));
  const auto got = acceptance_.accept(intake, room, via);
  allowance_.take(got.bytes);
  if (const auto turn = acceptance_.index_in_turn(intake)) return *turn;
  if (got.after == source::After::closed) writers_left(intake);
  allowance_.after_turn(intake.log().incomplete_bytes(), got.after == source::After::more);
  return turn_after(got);
}

Turn FifoFeed::skip(Intake& intake) {
  const auto got = skipping_.turn(intake);
  if (got.after == source::After::closed) skipping_.end();
  if (got.after != source::After::more) allowance_.spend();
  return skipping_.active() ? turn_after(got) : Turn::more;
}

Turn FifoFeed::discard(Intake& intake) {
  const auto got = discarding_.turn(intake);
  if (got.after == source::After::closed) writers_left(intake);
  allowance_.spend();
  return turn_after(got);
}

// Nobody has the FIFO open to write. An incomplete frame stays incomplete for ever, and what comes
// next is a new stream.
void FifoFeed::writers_left(Intake& intake) {
  if (!allowance_.is_bounded() && !has_departed_) name_.writers_left();
  stream_.begin_anew();
  if (discarding_.active()) return discarding_.end();
  if (const auto came = intake.log().incomplete_bytes()) acceptance_.truncate(intake, came);
}

SourceState FifoFeed::state(const Intake& intake) const {
  auto state = name_.state();
  if (state.kind != SourceState::Kind::serving) return state;
  if (const auto waiting = acceptance_.memory_wait().state(intake)) return *waiting;
  return discarding_.active() ? discarding_.state() : state;
}

void FifoFeed::depart() {
  has_departed_ = true;
  allowance_.begin(0);
  allowance_.spend();
}

void FifoFeed::read_last() { allowance_.read_on(); }

// A turn finds that nobody writes there, and that a frame is truncated.
source::FifoSource FifoFeed::end() {
  return stream_.follow(source::FifoSource::nothing(stream_.options()));
}

// ---- the stop

void FifoFeed::begin_stop() {
  allowance_.begin(stream_.fifo().waiting());
  stream_.drain(true);
}

void FifoFeed::read_on() {
  allowance_.read_on();
  stream_.drain(false);
}

void FifoFeed::accept_last(Intake& intake, std::uint64_t seal, Nanoseconds patience) {
  if (is_sealed() && intake.log().incomplete_bytes() == 0) return;
  read_on();
  last_bytes_.take(intake, seal, patience);
  allowance_.close();
}

StopNote FifoFeed::stop_note() const {
  StopNote note{.source = stream_.name(), .fifo = stream_.fifo().id(), .mode = mode_.before()};
  last_bytes_.tell(note);
  return note;
}

}  // namespace standpipe::worker
