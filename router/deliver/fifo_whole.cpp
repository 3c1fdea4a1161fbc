// SPDX-License-Identifier: Apache-2.0
// FifoEndpoint: others may write into the same FIFO. No frame of theirs or of ours is broken up.
//
// A writer of frames holds the lock (LockTurn) while the FIFO's end may lie inside a frame. Alone,
// the endpoint pushes whatever the FIFO takes and stops anywhere. Where others write, or may, it
// pushes whole frames (WholeFrames): small ones together, which lie in one page of the stage and so
// move all at once or not at all; a larger one in pieces, under the lock until it is out. So
// writers of at most PIPE_BUF bytes need no lock beside small frames, and those who take the lock
// are safe beside all.
#include <limits.h>

#include <algorithm>

#include "deliver/fifo_endpoint.h"
#include "deliver/whole_frames.h"

namespace standpipe::deliver {

bool FifoEndpoint::others_write() const {
  return record().shared || !record().resend || fifo_.is_open_to_others();
}

bool FifoEndpoint::has_more_to_move() const {
  return stage_.staged() > 0 || queue().has_more_to_write();
}

// Others were seen to write. This holds as long as the FIFO does, because whoever wrote once will
// do so again.
void FifoEndpoint::note_others() {
  if (others_write()) return;
  edit_record().shared = 1;
  reporter().info(path() +
                  ": others write here, too; from now on whole frames go there in small pieces");
  drop_stage();
}

// false: another writer has the lock, or is given a moment to take it.
bool FifoEndpoint::begin_turn(Nanoseconds now) {
  const auto begun = turn_.begin(fd(), now);
  if (begun == LockTurn::Begun::others_have_it) {
    note_others();
    commit();
  }
  if (begun == LockTurn::Begun::yes && turn_.must_end_frame(others_write(), now)) drop_stage();
  return begun == LockTurn::Begun::yes;
}

std::optional<Nanoseconds> FifoEndpoint::end_turn(Nanoseconds now) {
  return turn_.end(fd(),
                   {.is_shared = others_write(),
                    .has_more = has_more_to_move(),
                    .is_staged = stage_.staged() > 0,
                    .inside_frame = queue().writing().skip > 0},
                   now);
}

void FifoEndpoint::end_turn_of_reader() { turn_.reader_gone(fd(), queue().writing().skip > 0); }

// Only into an empty stage, so that what is to move at once lies in one page.
std::uint64_t FifoEndpoint::stage_whole() {
  if (stage_.staged() > 0) return 0;
  const auto whole = WholeFrames::next(queue(), turn_.ends_frame());
  if (whole.bytes == 0) return 0;
  queue().gather(pieces_, places_, std::min<std::uint64_t>(whole.bytes, stage_.room()));
  std::uint64_t gathered = 0;
  for (auto& piece : pieces_) {
    piece.iov_len = std::min<std::uint64_t>(piece.iov_len, whole.bytes - gathered);
    gathered += piece.iov_len;
  }
  const auto staged = stage_.add(pieces_);
  turn_.staged(queue().writing().skip == 0 && staged == whole.bytes && staged <= PIPE_BUF);
  auto next = staged == whole.bytes ? whole.end : places_.front();
  if (staged < whole.bytes)
    next.skip += staged;  // only a large frame does not fit: it is alone, and begins there
  queue().wrote(staged, next);
  return staged;
}

}  // namespace standpipe::deliver
