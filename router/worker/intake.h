// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/reporter.h"
#include "deliver/account.h"
#include "deliver/delivery.h"
#include "deliver/made_messages.h"
#include "frame/codec.h"
#include "log/log.h"
#include "log/meta_block.h"
#include "match/matcher.h"
#include "state/persistent.h"
#include "worker/intake_reports.h"
#include "worker/pending_counts.h"
#include "worker/queue_limits.h"

namespace standpipe::worker {

struct IntakeOptions {
  std::string source;  // its name
  std::size_t id = 0;  // of its log in the arena
  std::uint64_t log_size_max = 0;
  std::uint64_t message_size_max = 0;
  std::string fifo = {};        // its path, for routes' `meta`; empty: it is none
  bool warn_unmatched = false;  // say so when no route wants a message
};

// The receiving end of a source: its log, the match, the index and the counters. Any feed appends
// here, in one of three ways:
//
//   room, fill it, log().filled, index     a stream: whole frames are found, matched and indexed
//   room, fill it, append                  whole frames whose handlers are known already
//   append_made                            payloads that a plugin made, with their metadata
//
// All count what they append. The feed commits, together with its own state, so that a message is
// in the log, in the counters and after the feed's place, or in none of them.
//
// It knows the deliveries only to count what matched, and to trim after the slowest.
class Intake {
 public:
  Intake(const IntakeOptions& options, log::Arena& arena, match::Matcher matcher,
         const Clock& clock, Reporter& reporter);

  const std::string& source() const { return options_.source; }
  log::Log& log() { return log_; }
  const log::Log& log() const { return log_; }
  std::uint64_t message_size_max() const { return options_.message_size_max; }
  const frame::Codec& codec() const { return *codec_; }
  const match::Matcher& matcher() const { return matcher_; }
  state::Memory& memory() const { return log_.keeping(); }
  const deliver::SourceCounters& counters() const { return state_->counters; }
  deliver::SourceCounters& edit_counters() { return state_.edit().counters; }

  // By which of the hub's routes such a message goes to that handler now (match/matcher.h).
  std::optional<std::size_t> route_to(std::size_t handler, std::span<const std::byte> payload,
                                      std::span<const std::byte> fields);
  // Of a handler to which no route leads: its bit. nullopt: there is no room for it.
  std::optional<std::size_t> add_handler(std::size_t handler) { return matcher_.add(handler); }
  std::unique_ptr<deliver::Delivery> make_delivery(std::size_t bit, const std::string& handler,
                                                   std::uint32_t id);
  const std::vector<deliver::Delivery*>& deliveries() const { return deliveries_; }

  // ---- limits of what waits for one handler
  // The delivery with that bit has them from now on.
  void limit(std::size_t bit, const deliver::QueueOptions& queue) {
    limits_.add(*with_bit_[bit], queue);
  }
  QueueLimits& limits() { return limits_; }

  // ---- append
  // Where the next bytes go; empty: the log is full.
  std::span<std::byte> room() { return log_.room(need()); }
  // The same for a stream: where its frames are large, no more than whole ones, if the next ones
  // are as the last one was. The beginning of one that finds no room for its rest would be copied
  // to the next segment, which was an eighth of the CPU that frames of 64 KiB took.
  std::span<std::byte> room_for_stream();
  // Bytes that the incomplete frame at the end will take in all; 0: not known.
  std::uint64_t need() const { return state_->need; }

  struct Indexed {
    bool all = true;  // false: the index has no room; try again when something was trimmed
    // The next frame's length, if it is over the limit: what follows makes no sense.
    std::optional<std::uint64_t> claim = {};
    bool more = false;  // frames are left, because that many steps were spent
  };
  // Indexes the whole frames after the end, all accepted at that time. What one call of the codec
  // finds is committed at once, but for what stands before a claim. Patterns that may be slow spend
  // `steps_max` at most, and what one message takes (match/pattern_cost.h).
  Indexed index(std::uint64_t time_ns, std::uint64_t steps_max = UINT64_MAX);
  // The bytes after the end are that many whole frames for those handlers. false: the index has no
  // room, and the bytes are dropped.
  bool append(std::size_t bytes, std::uint32_t count, std::uint64_t time_ns,
              std::span<const std::uint64_t> set);
  // What a plugin made: it is framed, matched, and indexed with its metadata. Room for it was kept
  // (log().reserve), so all of it is appended.
  void append_made(std::span<const deliver::MadeMessage> messages, std::uint64_t time_ns);
  // Messages that those handlers should have had, and that are dropped instead.
  void drop(std::size_t bytes, std::uint32_t count, std::span<const std::uint64_t> set,
            deliver::Reason reason);
  // What is there of a frame that will never be whole. Commits.
  void drop_incomplete();

  // Faults of what comes: whether to say one now. `left_out`: how many were not, since.
  bool may_report(std::uint64_t& left_out) { return reports_.may_say_fault(left_out); }

  // ---- what follows from it
  // Bits of the deliveries for which messages came since this was last asked.
  void collect_news(std::vector<std::size_t>& bits) { pending_.collect_news(bits); }
  // Gives back what all deliveries have passed, and commits. true: something was.
  bool trim();

  void check_invariants() const;

 private:
  // What outlives the worker.
  struct State {
    deliver::SourceCounters counters;
    std::uint64_t need;
  };

  bool add(std::span<const frame::Frame> frames, std::span<const std::byte> bytes,
           std::uint64_t time_ns);
  bool add_runs(std::span<const frame::Frame> frames, std::span<const std::byte> bytes,
                std::uint64_t time_ns);
  bool add_run(std::span<const frame::Frame> frames, std::size_t begin, std::uint64_t time_ns,
               bool wanted);
  bool add_limited_run(std::span<const frame::Frame> frames, std::size_t begin,
                       std::uint64_t time_ns, bool wanted);
  void count();
  bool match(std::span<const frame::Frame> frames, std::size_t i, std::span<const std::byte> bytes,
             std::span<std::uint64_t> set, PendingCounts::Unseen& unseen);
  std::span<const match::Meta> meta_of(std::span<const std::byte> fields);
  std::span<std::byte> room_for(std::span<const deliver::MadeMessage> messages, std::size_t bytes);
  // Frames that are so large, with their headers.
  static constexpr std::uint64_t kLargeLeast = 8 * KiB, kLargeMost = kSegmentBytes / 2;

  IntakeOptions options_;
  const Clock& clock_;
  IntakeReports reports_;
  std::unique_ptr<frame::Codec> codec_;
  match::Matcher matcher_;
  log::Log log_;
  std::vector<deliver::Delivery*> deliveries_;  // in the order of their bits
  std::vector<deliver::Delivery*> with_bit_;    // the same by bit; nobody has some
  QueueLimits limits_;
  std::uint64_t last_frame_ = 0;  // the size of the last one that a stream brought
  state::Persistent<State> state_;
  std::vector<std::uint64_t> set_, next_set_;
  PendingCounts pending_;
  // What is appended just now that a plugin made, if it is that.
  std::span<const deliver::MadeMessage> made_;
  std::vector<frame::Frame> made_frames_;
  log::MetaBlockWriter block_;
  std::vector<match::Meta> meta_;  // of the message that is matched
};

}  // namespace standpipe::worker
