// SPDX-License-Identifier: Apache-2.0
#include "worker/discarding.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "frame/bad_length.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// When it is reported again, counted from the beginning. After the last one, each pause is twice as
// long as the one before.
constexpr std::array<Nanoseconds, 5> kReminders = {1min, 5min, 30min, 3h, 24h};
constexpr std::uint64_t kDoublingsMost = 10;

Nanoseconds reminder_after(std::uint64_t reported) {
  if (reported < kReminders.size()) return kReminders[reported];
  const auto beyond = reported - kReminders.size() + 1;
  return kReminders.back() * (std::int64_t{1} << std::min(beyond, kDoublingsMost));
}

}  // namespace

void Discarding::begin(Intake& intake, std::uint64_t claimed) {
  const auto bytes = intake.log().incomplete_bytes();
  std::uint64_t left_out = 0;
  const bool reports = intake.may_report(left_out);
  if (reports) report(intake, claimed, left_out);
  start(reports);
  state_.edit().bytes = bytes;
  auto& counters = intake.edit_counters();
  ++counters.bad_frame;
  counters.discarded_bytes += bytes;
  intake.drop_incomplete();
}

void Discarding::resume() { start(true); }

void Discarding::start(bool reported) {
  state_.edit() = {.bytes = 0,
                   .began_ns = static_cast<std::uint64_t>(clock_.steady().count()),
                   .reminders = 0,
                   .active = 1,
                   .reported = reported};
}

void Discarding::report(const Intake& intake, std::uint64_t claimed, std::uint64_t left_out) const {
  const auto rest = intake.log().unindexed();
  const auto limit = intake.codec().payload_max();
  Diagnostic d{.code = "bad_frame",
               .message = stream_.name() + ": a frame claims " + counted(claimed, "byte") +
                          " (limit " + thousands(limit) + ")"};
  auto why =
      frame::explain_bad_length(rest, limit, !stream_.is_at_begin(stream_.offset() - rest.size()),
                                "raise `framing: { max_message_size: }` on this source");
  d.notes.push_back(stream_.place_of(rest));
  if (!why.note.empty()) d.notes.push_back(std::move(why.note));
  if (left_out)
    d.notes.push_back(counted(left_out, "fault") +
                      " on this source left out here; the account has all");
  d.notes.emplace_back(
      "what comes until all its writers have closed is discarded and counted (bad_frame)");
  d.help.push_back(std::move(why.help));
  reporter_.say(d);
}

void Discarding::end() {
  if (state_->reported)
    reporter_.info(stream_.name() + ": its writers have gone; " + counted(state_->bytes, "byte") +
                   " discarded, listening again");
  auto& state = state_.edit();
  state.active = 0;
  state.bytes = 0;
}

source::Accepted Discarding::turn(Intake& intake, StageHook* hook) {
  const auto got = stream_.take(state::Step::discard, stream_.stage().pipe.capacity, hook);
  stream_.discard(got.bytes, hook);
  passed(intake, got.bytes);
  return got;
}

void Discarding::passed(Intake& intake, std::size_t bytes) {
  if (bytes == 0) return;
  intake.edit_counters().discarded_bytes += bytes;
  state_.edit().bytes += bytes;
}

// ---- what is reported meanwhile

SourceState Discarding::state() const {
  return {SourceState::Kind::discarding, clock_.wall_at(Nanoseconds(state_->began_ns)),
          "all that comes is thrown away because of a bad frame, " +
              counted(state_->bytes, "byte") + " so far; " + how_to_end(),
          state_->bytes};
}

std::optional<Nanoseconds> Discarding::reminder_due() const {
  if (!active()) return std::nullopt;
  return Nanoseconds(state_->began_ns) + reminder_after(state_->reminders);
}

// A writer that stays loses everything that it writes, however long ago that was reported.
void Discarding::remind(Intake& intake) {
  if (!active() || clock_.steady() < *reminder_due()) return;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(
      clock_.steady() - Nanoseconds(state_->began_ns));
  reporter_.warning("discarding",
                    stream_.name() + ": for " +
                        counted(static_cast<std::uint64_t>(minutes.count()), "minute") +
                        " all that comes is discarded (" + counted(state_->bytes, "byte") +
                        "), because of a bad frame",
                    how_to_end());
  auto& state = state_.edit();
  ++state.reminders;
  state.reported = 1;
  intake.memory().commit();
}

std::string Discarding::how_to_end() const {
  return "it ends when all its writers have closed " + stream_.fifo().path() +
         ": restart them (`fuser -v` with that path shows them)";
}

}  // namespace standpipe::worker
