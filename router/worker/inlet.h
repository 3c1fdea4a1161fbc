// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "deliver/account.h"
#include "deliver/delivery.h"
#include "deliver/relay.h"
#include "log/log.h"
#include "match/matcher.h"
#include "source/fifo_source.h"
#include "worker/feed.h"
#include "worker/feed_sequence.h"
#include "worker/fifo_feed.h"
#include "worker/intake.h"
#include "worker/plugin_feed.h"
#include "worker/poll_mode.h"
#include "worker/relay_feed.h"
#include "worker/source_state.h"
#include "worker/spill_feed.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// One source: its intake and what feeds it. What earlier runs left on the disk comes first, then
// what comes by its FIFO, or what a plugin makes. What it delivers to is not its business.
//
// What is about a FIFO does nothing where there is none, but for `fifo`, `poll_mode`, `reopen` and
// `end`, which are not for such a source.
class Inlet {
 public:
  using Turn = worker::Turn;

  // Of a source with a FIFO.
  Inlet(const source::SourceOptions& options, std::size_t id, log::Arena& arena,
        const source::Stage& stage, match::Matcher matcher, const Clock& clock, Reporter& reporter,
        bool warn_unmatched, std::optional<Fd> kept = {});
  // Of one whose messages a plugin makes; nullopt: none does any more.
  Inlet(const source::SourceOptions& options, std::size_t id, log::Arena& arena,
        match::Matcher matcher, const Clock& clock, Reporter& reporter, bool warn_unmatched,
        std::optional<PluginFeed::Options> made);
  // Ends the step in which an earlier worker died, if it was this source's.
  void recover() { feeds_.recover(intake_); }

  const std::string& name() const { return intake_.source(); }
  bool has_fifo() const { return fifo_.has_value(); }
  source::FifoSource& fifo() { return fifo_->stream().fifo(); }
  const source::FifoSource& fifo() const { return fifo_->stream().fifo(); }
  PluginFeed* made() { return made_ ? &*made_ : nullptr; }  // none: no plugin makes its messages
  const PluginFeed* made() const { return made_ ? &*made_ : nullptr; }
  log::Log& log() { return intake_.log(); }
  const log::Log& log() const { return intake_.log(); }
  const match::Matcher& matcher() const { return intake_.matcher(); }
  std::optional<std::size_t> route_to(std::size_t handler, std::span<const std::byte> payload,
                                      std::span<const std::byte> fields) {
    return intake_.route_to(handler, payload, fields);
  }
  std::uint64_t message_size_max() const { return intake_.message_size_max(); }
  const deliver::SourceCounters& counters() const { return intake_.counters(); }
  // Messages that are replayed (worker/replay.h), or taken back. The caller commits.
  void count_replayed(std::int64_t messages, std::int64_t bytes);
  std::optional<std::size_t> add_handler(std::size_t handler) {
    return intake_.add_handler(handler);
  }
  std::unique_ptr<deliver::Delivery> make_delivery(std::size_t bit, const std::string& handler,
                                                   std::uint32_t id) {
    return intake_.make_delivery(bit, handler, id);
  }
  const std::vector<deliver::Delivery*>& deliveries() const { return intake_.deliveries(); }
  // The delivery with that bit has limits of its own (deliver/backlog.h).
  void limit(std::size_t bit, const deliver::QueueOptions& queue) { intake_.limit(bit, queue); }
  std::vector<deliver::Backlog>& backlogs() { return intake_.limits().backlogs(); }
  bool is_blocked() { return intake_.limits().is_blocked(); }
  // What an earlier run could not deliver comes before what the FIFO has. All deliveries are made.
  void serve(std::unique_ptr<SpillFeed> spills);
  SpillFeed* spills() { return spills_.get(); }  // none: there is no place for them
  bool is_spilled() const { return spills_ && spills_->spilled(); }
  // Something of an earlier run is to be fed, before its FIFO's turn comes.
  bool has_unfed() const { return spills_ && !spills_->ended(); }

  // The configuration no longer has it: nothing comes from its FIFO any more, and what it has, and
  // what an earlier run left of it, goes on.
  void depart() {
    if (fifo_) fifo_->depart();
  }
  // It is no more (worker/fifo_feed.h): its last turns, and its end.
  void read_last() {
    if (fifo_) fifo_->read_last();
  }
  source::FifoSource end() { return fifo_->end(); }

  // ---- turns
  void on_event(std::uint32_t events) {
    if (fifo_) fifo_->stream().on_event(events);
  }
  PollMode& poll_mode() { return fifo_->stream().poll_mode(); }
  bool hung_up() const { return fifo_ && fifo_->stream().hung_up(); }
  // Bytes that a turn takes from the FIFO.
  void read_at_most(std::size_t bytes) {
    if (fifo_) fifo_->read_at_most(bytes);
  }
  // Bytes that wait in the FIFO.
  std::size_t waiting() const { return fifo_ ? fifo().waiting() : 0; }
  // One turn of the feed whose turn it is. While a handler's queue is full, and makes writers wait,
  // it is as if the log were full.
  Turn accept() { return intake_.limits().is_blocked() ? Turn::full : feeds_.feed(intake_); }
  void relay(deliver::Relay* relay, deliver::Output* output) {
    if (relay_) relay_->relay(relay, output);
  }
  // Bits of the deliveries for which frames came since this was last asked.
  void collect_news(std::vector<std::size_t>& bits) { intake_.collect_news(bits); }
  // Gives back what all deliveries have passed, and tells the feeds. true: something was.
  bool trim();
  bool waits_for_arena() const { return log().waits_for_arena(); }
  bool end_dribble() { return fifo_ && fifo_->acceptance().end_dribble(intake_); }
  void remind_of_memory() {
    if (fifo_) fifo_->acceptance().memory_wait().remind(intake_);
  }

  // ---- its FIFO's name (worker/fifo_name.h)
  bool is_reachable() { return !fifo_ || fifo_->name().is_reachable(); }
  bool has_moved() { return fifo_ && fifo_->name().has_moved(); }
  void read_to_end() {
    if (fifo_) fifo_->stream().read_to_end();
  }
  bool wants_fifo() const { return fifo_ && fifo_->name().wants_fifo(); }
  source::FifoSource reopen(const std::function<void(const source::FifoSource&)>& admit = {}) {
    return fifo_->name().reopen(admit);
  }
  void cannot_reopen(const Failure& failure) { fifo_->name().cannot_reopen(failure); }
  SourceState state() const { return fifo_ ? fifo_->state(intake_) : SourceState(); }

  // ---- a stream that makes no sense (worker/discarding.h)
  bool is_discarding() const { return fifo_ && fifo_->discarding().active(); }
  std::optional<Nanoseconds> reminder_due() const {
    return fifo_ ? fifo_->discarding().reminder_due() : std::nullopt;
  }
  void remind() {
    if (fifo_) fifo_->discarding().remind(intake_);
  }

  // ---- the end (worker/fifo_feed.h)
  //   plan_to_close -> close_to_openings -> begin_stop -> cut_feed, read_on -> accept_last
  //   -> open_to_openings
  void plan_to_close() {
    if (fifo_) fifo_->mode().plan_to_close();
  }
  void close_to_openings() {
    if (fifo_) fifo_->mode().close();
  }
  void open_to_openings() {
    if (fifo_) fifo_->mode().open();
  }
  void begin_stop() {
    if (fifo_) fifo_->begin_stop();
  }
  bool stopped() const { return !fifo_ || fifo_->stopped(); }
  // What an earlier run left is fed no more: what comes from the FIFO from now on is younger than
  // the rest of it.
  void cut_feed();
  void read_on() {
    if (fifo_) fifo_->read_on();
  }
  void accept_last(std::uint64_t seal, Nanoseconds patience);
  bool is_sealed() const { return fifo_ && fifo_->is_sealed(); }
  StopNote stop_note() const { return fifo_->stop_note(); }
  // Bytes that a spill of all that its log has would take, about.
  std::uint64_t spill_bytes() const;
  void resume(const StopNote* note) {
    if (fifo_) fifo_->resume(note);
  }

  void check_invariants() const { intake_.check_invariants(); }

 private:
  std::vector<Feed*> feeds();

  Intake intake_;
  std::optional<FifoFeed> fifo_;       // none: it is no FIFO,
  std::optional<RelayFeed> relay_;     // which would be fed by this,
  std::optional<PluginFeed> made_;     // but what a plugin makes
  std::unique_ptr<SpillFeed> spills_;  // may be none
  FeedSequence feeds_;                 // in the order of their turns; that of the FIFO never ends
};

}  // namespace standpipe::worker
