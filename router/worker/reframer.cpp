// SPDX-License-Identifier: Apache-2.0
#include "worker/reframer.h"

#include <algorithm>

#include "base/limits.h"
#include "frame/reframe.h"

namespace standpipe::worker {
namespace {

constexpr std::size_t kTurnBytes = 256 * KiB;  // as from a FIFO

}  // namespace

Reframer::Reframer(RawLog& raw, Intake& intake)
    : raw_(raw), state_(intake.memory(), "reframer/" + intake.source()) {
  const auto& log = raw.log();
  if (state_->next.sequence.number == 0) state_.edit().next = log.trimmed();  // new
  if (!(log.trimmed() <= state_->next && state_->next <= log.end()))
    throw state::Memory::Damaged("a re-framer's cursor lies outside its raw log");
}

// What is behind the log's end came by the commit that moved the cursor: whole frames that need an
// index.
void Reframer::recover(Intake& intake) { (void)index(intake); }

Turn Reframer::feed(Intake& intake) {
  const auto turn = feed_turn(intake);
  intake.memory().commit();
  if (raw_.log().trimmed() < state_->next) raw_.log().trim(state_->next);
  return turn;
}

Turn Reframer::feed_turn(Intake& intake) {
  if (index(intake) == Turn::full) return Turn::full;  // what the last turn had no index room for
  const auto end = intake.log().end().position + kTurnBytes;
  while (intake.log().end().position < end) {
    auto at = state_->next;
    const auto piece = raw_.log().read(at, RawLog::kReader);
    if (!piece) return Turn::idle;
    if (const auto turn = feed_piece(intake, *piece); turn != Turn::more) return turn;
  }
  return Turn::more;
}

// As much of it as there is room for. The cursor moves with the bytes, and both are committed with
// the first run of the index, or by whatever makes room for it.
Turn Reframer::feed_piece(Intake& intake, const log::Piece& piece) {
  auto room = intake.log().room(0);
  if (room.empty()) return Turn::full;
  auto done = frame::reframe(raw_.codec(), piece.bytes, intake.codec(),
                             room.first(std::min(room.size(), kTurnBytes)));
  if (done.frames == 0) {  // a large one
    room = intake.log().room(done.need);
    if (room.size() < done.need) return Turn::full;
    done = frame::reframe(raw_.codec(), piece.bytes, intake.codec(), room.first(done.need));
  }
  auto& state = state_.edit();
  state.next = {piece.begin.position + done.consumed, piece.begin.sequence + done.frames};
  state.time_ns = piece.time_ns;
  state.refused += done.refused;
  if (done.written > 0) intake.log().filled(done.written);
  return index(intake);
}

Turn Reframer::index(Intake& intake) const {
  return intake.index(state_->time_ns).all ? Turn::more : Turn::full;
}

}  // namespace standpipe::worker
