// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "frame/bad_length.h"
#include "worker/inlet.h"

// A stream that stopped making sense: what a source does with it until all its writers have gone, and what it says meanwhile.
namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// When people are reminded, from the refusal on. After the last one each pause is twice as long as the one before.
constexpr std::array<Nanoseconds, 5> kReminders = {1min, 5min, 30min, 3h, 24h};
constexpr std::uint64_t kDoublingsMost = 10;

Nanoseconds reminder_after(std::uint64_t said) {
  if (said < kReminders.size()) return kReminders[said];
  const auto beyond = said - kReminders.size() + 1;
  return kReminders.back() * (std::int64_t{1} << std::min(beyond, kDoublingsMost));
}

}  // namespace

Inlet::Turn Inlet::discard(const Pipe& stage, int dev_null) {
  const auto got = take(log::Step::discard, stage, stage.capacity);
  source::discard_stage(stage, dev_null);
  threw_away(got.bytes);
  if (got.after == source::After::closed) writers_left();
  if (allowance_) stopped_ = true;
  return got.after == source::After::more ? Turn::more : Turn::idle;
}

// A length beyond the limit: nothing behind it can be trusted, until all writers have closed.
void Inlet::refuse(std::uint64_t claimed) {
  const auto rest = log_.unindexed();
  std::uint64_t left_out = 0;
  const bool say = trouble_.allow(clock_.steady(), left_out);
  if (say) say_refusal(claimed, left_out);
  auto& kept = kept_.edit();
  ++kept.books.bad_frame;
  kept.books.discarded_bytes += rest.size();
  kept.discarding = rest.size();
  kept.refused_ns = static_cast<std::uint64_t>(clock_.steady().count());
  kept.discards_since_ns = static_cast<std::uint64_t>(clock_.wall().count());
  kept.reminders = 0;
  kept.refusal_said = say;
  kept.discards = 1;
  kept.need = 0;
  log_.drop_unindexed();
}

void Inlet::say_refusal(std::uint64_t claimed, std::uint64_t left_out) const {
  const auto rest = log_.unindexed();
  Diagnostic d{
      .code = "bad_frame",
      .message = name() + ": a frame claims " + counted(claimed, "byte") + " (limit " + thousands(options_.message_size_max) + ")"};
  auto why = frame::explain_bad_length(rest, options_.message_size_max, offset() > kept_->stream_began,
                                       "raise `framing: { max_message_size: }` on this source");
  d.notes.push_back("at offset " + thousands(offset()) + " of " + fifo_.path() + ": " + hex_excerpt(rest));
  if (!why.note.empty()) d.notes.push_back(std::move(why.note));
  if (left_out) d.notes.push_back(counted(left_out, "fault") + " on this source left out here; the account has all");
  d.notes.emplace_back("what comes until all its writers have closed is drained and counted (bad_frame)");
  d.help.push_back(std::move(why.help));
  reporter_.say(d);
}

// Its writers have gone, so what comes next is a new stream.
void Inlet::end_draining() {
  if (kept_->refusal_said)
    reporter_.info(name() + ": its writers have gone; " + counted(kept_->discarding, "byte") + " drained, listening again");
  auto& kept = kept_.edit();
  kept.discards = 0;
  kept.discarding = 0;
  kept.need = 0;
}

// Of several things that are wrong, the one that nobody can write is told first.
SourceState Inlet::state() const {
  if (!kept_->discards || state_.kind != SourceState::Kind::serving) return state_;
  return {SourceState::Kind::draining, Nanoseconds(kept_->discards_since_ns),
          "all that comes is thrown away because of a bad frame, " + counted(kept_->discarding, "byte") + " so far; " +
              end_of_draining(),
          kept_->discarding};
}

std::optional<Nanoseconds> Inlet::reminder_due() const {
  if (!kept_->discards) return std::nullopt;
  return Nanoseconds(kept_->refused_ns) + reminder_after(kept_->reminders);
}

// A writer that stays loses all that it writes, however long ago that was said.
void Inlet::remind() {
  if (!kept_->discards || clock_.steady() < *reminder_due()) return;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(clock_.steady() - Nanoseconds(kept_->refused_ns));
  reporter_.warning("draining",
                    name() + ": for " + counted(static_cast<std::uint64_t>(minutes.count()), "minute") +
                        " all that comes is drained (" + counted(kept_->discarding, "byte") + "), because of a bad frame",
                    end_of_draining());
  auto& kept = kept_.edit();
  ++kept.reminders;
  kept.refusal_said = 1;
  memory().commit();
}

// How to end it, for people.
std::string Inlet::end_of_draining() const {
  return "it ends when all its writers have closed " + fifo_.path() + ": restart them (`fuser -v` with that path shows them)";
}

}  // namespace standpipe::worker
