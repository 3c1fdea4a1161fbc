// SPDX-License-Identifier: Apache-2.0
#include "worker/skipping.h"

#include <algorithm>

namespace standpipe::worker {

void Skipping::end() {
  if (active()) state_.edit().bytes = 0;
}

source::Accepted Skipping::turn(Intake& intake, StageHook* hook) {
  const auto most = std::min<std::uint64_t>(state_->bytes, stream_.stage().pipe.capacity);
  const auto got = stream_.take(state::Step::discard, most, hook);
  stream_.discard(got.bytes, hook);
  passed(intake, got.bytes);
  return got;
}

void Skipping::passed(Intake& intake, std::size_t bytes) {
  if (bytes == 0) return;
  intake.edit_counters().discarded_bytes += bytes;
  state_.edit().bytes -= std::min<std::uint64_t>(state_->bytes, bytes);
}

}  // namespace standpipe::worker
