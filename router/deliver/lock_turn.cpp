// SPDX-License-Identifier: Apache-2.0
#include "deliver/lock_turn.h"

#include <utility>

namespace standpipe::deliver {

LockTurn::Begun LockTurn::begin(int fd, Nanoseconds now) {
  if (lock_.is_held()) return Begun::yes;
  if (!lock_.may_try(now)) return Begun::later;
  return lock_.try_lock(fd, now) ? Begun::yes : Begun::others_have_it;
}

bool LockTurn::must_end_frame(bool is_shared, Nanoseconds now) {
  if (is_shared || ends_frame_ || !lock_.is_held() || lock_.held_for(now) < WriterLock::kTurn)
    return false;
  return ends_frame_ = true;
}

std::optional<Nanoseconds> LockTurn::end(int fd, const Stream& stream, Nanoseconds now) {
  if (!lock_.is_held()) return {};
  const bool one_push = stream.is_shared || ends_frame_;
  const bool ends_with_frame = stream.is_staged ? moves_at_once_ : !stream.inside_frame && one_push;
  if (stream.has_more && !ends_with_frame) return {};
  if (!one_push && lock_.held_for(now) < WriterLock::kIdle)
    return lock_.since() + WriterLock::kIdle;
  lock_.release(fd);
  if (std::exchange(ends_frame_, false)) lock_.yield(now);
  if (!stream.has_more) return {};
  return lock_.retry_at();
}

void LockTurn::reader_gone(int fd, bool inside_frame) {
  ends_frame_ = false;
  if (!inside_frame) lock_.release(fd);
}

}  // namespace standpipe::deliver
