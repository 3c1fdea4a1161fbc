// SPDX-License-Identifier: Apache-2.0
// Output: others may write into the same FIFO. No frame of theirs or of ours is torn.
//
// Whoever writes frames holds the lock (WriterLock) while the FIFO's end may lie inside one. Alone, the output pushes whatever the
// FIFO takes and stops anywhere. Where others write, or may, it pushes whole frames: small ones together, at most PIPE_BUF bytes,
// which lie in one page of the stage and so move all at once or not at all; a larger one in pieces, under the lock until it is out.
// So writers of at most PIPE_BUF bytes need no lock beside small frames, and those who take the lock are safe beside all.
#include <limits.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/invariant.h"
#include "deliver/output.h"

namespace standpipe::deliver {

bool Output::others_write() const { return journal_->record->shared || !journal_->record->resend || fifo_.is_open_to_others(); }

bool Output::has_more_to_move() const {
  Place place = writing_, begin;
  return fifo_.staged() > 0 || !next_bytes(place, begin).empty();
}

// Noticed, not asked for: it holds as long as the FIFO does, for whoever wrote once will again.
void Output::note_others() {
  if (others_write()) return;
  journal_->record.edit().shared = 1;
  around_.reporter.info(path() + ": others write here, too; from now on whole frames go there in small pieces");
  drop_stage();
}

// false: another writer has the lock, or is given a moment to take it.
bool Output::may_write(Nanoseconds now) {
  if (lock_.is_held()) {
    if (!others_write() && !ends_frame_ && lock_.held_for(now) >= WriterLock::kTurn) {
      drop_stage();
      ends_frame_ = true;
    }
    return true;
  }
  if (!lock_.may_try(now)) return false;
  if (lock_.take(fd(), now)) return true;
  note_others();
  commit();
  return false;
}

// Gives the lock back where the FIFO ends with a whole frame, and wakes up in time to do so.
void Output::end_turn(Nanoseconds now) {
  if (!lock_.is_held()) return;
  const bool more = has_more_to_move();
  const bool ends_with_frame = fifo_.staged() > 0 ? moves_at_once_ : writing_.skip == 0 && (others_write() || ends_frame_);
  if (more && !ends_with_frame) return;
  if (others_write() || ends_frame_ || lock_.held_for(now) >= WriterLock::kIdle) {
    lock_.release(fd());
    if (std::exchange(ends_frame_, false)) lock_.yield(now);
    if (more) wake_at_ = std::min(wake_at_.value_or(lock_.retry_at()), lock_.retry_at());
    return;
  }
  const auto end = lock_.since() + WriterLock::kIdle;
  wake_at_ = std::min(wake_at_.value_or(end), end);
}

// The reader is dead. What it left of a frame was taken back, unless the rest of that frame is still to come.
void Output::end_turn_of_reader() {
  ends_frame_ = false;
  if (writing_.skip == 0) lock_.release(fd());
}

// The rest of the frame that was begun; or else whole frames, at most PIPE_BUF bytes of them, or a larger one.
Output::Whole Output::next_whole() const {
  Whole whole{.end = writing_};
  if (writing_.skip > 0) {
    const auto end = frame_end(sendings()[writing_.sending], writing_.at);
    return {end.position - writing_.at.position - writing_.skip, {writing_.sending, end, 0}};
  }
  if (ends_frame_) return whole;
  Place place = writing_, begin;
  for (auto bytes = next_bytes(place, begin); !bytes.empty() && add_frames(whole, begin, bytes);) bytes = next_bytes(place, begin);
  return whole;
}

// false: that is enough.
bool Output::add_frames(Whole& whole, const Place& begin, std::span<const std::byte> bytes) const {
  std::array<frame::Frame, 64> frames;
  auto at = begin.at;
  while (!bytes.empty()) {
    const auto scan = delivery_of(sendings()[begin.sending]).codec().scan(bytes, frames);
    INVARIANT(scan.frames > 0, bytes.size(), begin.sending);
    std::uint64_t from = 0;
    for (std::size_t f = 0; f < scan.frames; ++f) {
      const std::uint64_t size = frames[f].end - from;
      if (whole.bytes > 0 && whole.bytes + size > PIPE_BUF) return false;
      at = {at.position + size, at.sequence + 1};
      whole = {whole.bytes + size, {begin.sending, at, 0}};
      from = frames[f].end;
    }
    bytes = bytes.subspan(scan.consumed);
  }
  return true;
}

// Into an empty stage only, so that what is to move at once lies in one page.
std::size_t Output::stage_whole() {
  if (fifo_.staged() > 0) return 0;
  const auto whole = next_whole();
  if (whole.bytes == 0) return 0;
  pieces_.clear();
  places_.clear();
  gather(pieces_, places_, whole.bytes);
  std::uint64_t gathered = 0;
  for (auto& piece : pieces_) {
    piece.iov_len = std::min<std::uint64_t>(piece.iov_len, whole.bytes - gathered);
    gathered += piece.iov_len;
  }
  const auto staged = fifo_.stage(pieces_);
  moves_at_once_ = writing_.skip == 0 && staged == whole.bytes && staged <= PIPE_BUF;
  written_ += staged;
  writing_ = staged == whole.bytes ? whole.end : places_.front();
  if (staged < whole.bytes) writing_.skip += staged;  // only a large frame does not fit: it is alone, and begins there
  return staged;
}

}  // namespace standpipe::deliver
