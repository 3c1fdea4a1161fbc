// SPDX-License-Identifier: Apache-2.0
// Output: what a relay lays in the stage before it is asked for.
#include "deliver/output.h"

#include <algorithm>

namespace standpipe::deliver {

namespace {

constexpr std::size_t kGapMax = 64 * KiB;  // of a begun frame, copied so that what follows need not be

}  // namespace

// What is asked for lies in the stage already; if it is something else that lies there, it goes.
std::size_t Output::claim_ahead() {
  std::uint64_t claimed = 0;
  while (fifo_.ahead() > 0) {
    Place next = writing_, begin;
    const auto bytes = next_bytes(next, begin);
    if (bytes.empty()) break;
    const auto& log = delivery_of(sendings()[begin.sending]).log();
    if (&log != ahead_.log || log.drops() != ahead_.drops || begin.at.position + begin.skip != ahead_.at) {
      forget_ahead();
      break;
    }
    const auto n = std::min<std::uint64_t>(bytes.size(), fifo_.ahead());
    fifo_.claim(n);
    ahead_.at = ahead_.at + n;
    written_ += n;
    claimed += n;
    writing_ = n == bytes.size() ? next : Place{begin.sending, begin.at, begin.skip + n};
  }
  claimed_ += claimed;
  return claimed;
}

void Output::forget_ahead() {
  if (fifo_.ahead() > 0) drop_stage();
}

void Output::lay_ahead(const Delivery& delivery, const Pipe& from, std::size_t most) {
  if (state_ != State::flowing || others_write() || ends_frame_) return;
  // By reference a pipe can hold more than its size: pages that came from a socket are large. Not more than copies could be.
  if (written_ - taken() + fifo_.ahead() + most > fifo_.capacity() + fifo_.stage_bytes()) return;
  const auto& log = delivery.log();
  if (fifo_.ahead() == 0) {
    if (!is_all_written(delivery)) return;
    ahead_ = {&log, log.end().position, log.drops()};
  } else if (ahead_.log != &log || ahead_.drops != log.drops()) {
    return;
  }
  // Between what lies in the stage and those bytes are some of the log's: the beginning of a frame.
  const auto begun = log.unindexed();
  const auto tail = ahead_.at + fifo_.ahead(), come = log.end().position + begun.size();
  if (tail > come || come - tail > std::min(begun.size(), kGapMax)) return;
  const auto gap = begun.last(come - tail);
  if (fifo_.copy_ahead(gap) == gap.size()) fifo_.tee_ahead(from, most);
}

bool Output::is_all_written(const Delivery& delivery) const {
  if (sendings().empty()) return delivery.settled() == delivery.log().end();
  const auto& last = sendings().back();
  Place place = writing_, begin;
  return last.delivery == delivery.id() && last.range.end == delivery.log().end() && next_bytes(place, begin).empty();
}

}  // namespace standpipe::deliver
