// SPDX-License-Identifier: Apache-2.0
#include "worker/acceptance.h"

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::worker {

bool Acceptance::index(Intake& intake) {
  if (!stream_.put_head(intake.log())) return false;
  const auto indexed = intake.index(stream_.time_ns());
  if (indexed.claim) discarding_.begin(intake, *indexed.claim);
  return indexed.all;
}

std::optional<Turn> Acceptance::index_in_turn(Intake& intake) {
  if (!stream_.put_head(intake.log())) return Turn::full;
  const auto indexed = intake.index(stream_.time_ns(), kPatternStepsMax);
  if (indexed.claim) discarding_.begin(intake, *indexed.claim);
  if (indexed.more) return Turn::more;
  return indexed.all ? std::nullopt : std::optional(Turn::full);
}

source::Accepted Acceptance::accept(Intake& intake, std::span<std::byte> room, StageHook* hook) {
  const auto got = stream_.take(state::Step::accept, room.size(), hook);
  stream_.keep(intake.log(), room, got.bytes, hook);
  intake.memory().commit();
  if (memory_wait_.end() || got.bytes) came_ = clock_.steady();
  return got;
}

// A frame that will never be complete must not keep its turn for memory: its writers have gone, and
// what they left is too little.
bool Acceptance::stand_still(Intake& intake) {
  const auto incomplete = intake.log().incomplete_bytes();
  const auto waiting = stream_.fifo().waiting();
  memory_wait_.begin();
  if (!stream_.hung_up() || incomplete == 0 || incomplete + waiting >= intake.need() ||
      stream_.fifo().has_writer())
    return false;
  skipping_.begin(waiting);
  truncate(intake, incomplete + waiting);
  return true;
}

void Acceptance::truncate(Intake& intake, std::uint64_t bytes) {
  const auto incomplete = intake.log().unindexed();
  std::uint64_t left_out = 0;
  if (intake.may_report(left_out)) {
    Diagnostic d{.severity = Severity::warning,
                 .code = "truncated",
                 .message = stream_.name() + ": a frame was truncated: its writer left after " +
                            counted(bytes, "byte") +
                            (intake.need() ? " of " + thousands(intake.need()) : " of its header")};
    d.notes.push_back(stream_.place_of(incomplete));
    if (left_out)
      d.notes.push_back(counted(left_out, "fault") +
                        " on this source left out here; the account has all");
    reporter_.say(d);
  }
  auto& counters = intake.edit_counters();
  ++counters.truncated;
  counters.discarded_bytes += incomplete.size();
  stream_.saw_end();
  intake.drop_incomplete();
}

bool Acceptance::end_dribble(Intake& intake) {
  const auto came = intake.log().incomplete_bytes();
  const auto whole = intake.need();
  if (discarding_.active() || came == 0 || whole <= kSegmentBytes || memory_wait_.active())
    return false;
  if (clock_.steady() - came_ < kDribbleMax || stream_.fifo().waiting() > 0) return false;
  reporter_.warning("dribble",
                    stream_.name() + ": " + thousands(came) + " of " + thousands(whole) +
                        " bytes of a frame came, and none for " + duration_text(kDribbleMax) +
                        ", while others wait for the memory it holds: it is abandoned, and counted as truncated",
                    "look at the writers of " + stream_.fifo().path() + ", or raise memory_max");
  auto& counters = intake.edit_counters();
  ++counters.truncated;
  counters.discarded_bytes += came;
  skipping_.begin(whole - came);
  intake.drop_incomplete();
  return true;
}

}  // namespace standpipe::worker
