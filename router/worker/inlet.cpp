// SPDX-License-Identifier: Apache-2.0
#include "worker/inlet.h"

#include <utility>

namespace standpipe::worker {
namespace {

IntakeOptions intake_options(const source::SourceOptions& options, std::size_t id,
                             bool warn_unmatched) {
  return {.source = options.name,
          .id = id,
          .log_size_max = options.log_size_max,
          .message_size_max = options.message_size_max,
          .fifo = options.path,
          .warn_unmatched = warn_unmatched};
}

}  // namespace

Inlet::Inlet(const source::SourceOptions& options, std::size_t id, log::Arena& arena,
             const source::Stage& stage, match::Matcher matcher, const Clock& clock,
             Reporter& reporter, bool warn_unmatched, std::optional<Fd> kept)
    : intake_(intake_options(options, id, warn_unmatched), arena, std::move(matcher), clock,
              reporter),
      fifo_(std::in_place, options, id, stage, arena.memory(), clock, reporter, std::move(kept)),
      relay_(*fifo_),
      feeds_(feeds()) {}

Inlet::Inlet(const source::SourceOptions& options, std::size_t id, log::Arena& arena,
             match::Matcher matcher, const Clock& clock, Reporter& reporter, bool warn_unmatched,
             std::optional<PluginFeed::Options> made)
    : intake_(intake_options(options, id, warn_unmatched), arena, std::move(matcher), clock,
              reporter),
      feeds_({}) {
  if (made) made_.emplace(intake_, std::move(*made), clock);
  feeds_ = FeedSequence(feeds());
}

std::vector<Feed*> Inlet::feeds() {
  std::vector<Feed*> all;
  if (spills_) all.push_back(spills_.get());
  if (relay_) all.push_back(&*relay_);
  if (made_) all.push_back(&*made_);
  return all;
}

void Inlet::serve(std::unique_ptr<SpillFeed> spills) {
  spills_ = std::move(spills);
  feeds_ = FeedSequence(feeds());
}

void Inlet::count_replayed(std::int64_t messages, std::int64_t bytes) {
  auto& counters = intake_.edit_counters();
  counters.accepted += static_cast<std::uint64_t>(messages);
  counters.matched += static_cast<std::uint64_t>(messages);
  counters.bytes += static_cast<std::uint64_t>(bytes);
}

bool Inlet::trim() {
  const bool passed = intake_.trim();
  feeds_.passed(log().trimmed().position);
  return passed;
}

void Inlet::cut_feed() {
  if (spills_ && !spills_->ended()) spills_->cut(log().end().position);
}

void Inlet::accept_last(std::uint64_t seal, Nanoseconds patience) {
  cut_feed();
  if (fifo_) fifo_->accept_last(intake_, seal, patience);
}

std::uint64_t Inlet::spill_bytes() const {
  constexpr std::uint64_t kBesideFrame = 40;  // what a message takes besides its frame
  return log().end().position - log().trimmed().position +
         kBesideFrame * (log().end().sequence - log().trimmed().sequence);
}

}  // namespace standpipe::worker
