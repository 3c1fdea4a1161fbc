// SPDX-License-Identifier: Apache-2.0
#include "worker/inlet.h"

#include <standpipe/wire.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/text.h"
#include "frame/length_prefixed.h"

namespace standpipe::worker {
Inlet::Inlet(const source::FifoOptions& options, std::size_t id, log::Arena& arena, match::Matcher matcher, const Clock& clock,
             Reporter& reporter, bool warn_unmatched, std::optional<Fd> kept)
    : options_(options),
      id_(id),
      clock_(clock),
      reporter_(reporter),
      fifo_(options, std::move(kept)),
      codec_(std::make_unique<frame::LengthPrefixed>(options.message_size_max)),
      matcher_(std::move(matcher)),
      log_(arena, {.id = id,
                   .size_max = options.log_size_max,
                   .frame_max = STANDPIPE_WIRE_HEADER_BYTES + options.message_size_max,
                   .readers = std::max<std::size_t>(1, matcher_.handlers().size()),
                   .runs_are_short = !matcher_.constant()}),
      deliveries_(matcher_.handlers().size()),
      kept_(arena.memory(), "source/" + options.name),
      set_(matcher_.words()),
      next_set_(matcher_.words()),
      news_(matcher_.words()),
      found_{.by_delivery = std::vector<std::uint64_t>(deliveries_.size())},
      warn_unmatched_(warn_unmatched) {
  INVARIANT(log_.set_words() == matcher_.words(), log_.set_words(), matcher_.words());
}

std::unique_ptr<deliver::Delivery> Inlet::make_delivery(std::size_t bit, const std::string& handler, std::uint32_t id) {
  auto delivery = std::make_unique<deliver::Delivery>(name(), handler, id, log_, *codec_, bit);
  deliveries_[bit] = delivery.get();
  return delivery;
}

void Inlet::on_event(std::uint32_t events) { hung_up_ |= (events & EPOLLHUP) != 0; }

// ---- accept

Inlet::Turn Inlet::accept(const Pipe& stage, int dev_null) {
  const auto turn = take_turn(stage, dev_null);
  memory().commit();
  return turn;
}

Inlet::Turn Inlet::take_turn(const Pipe& stage, int dev_null) {
  if (stopped_ && !reads_on_) return Turn::idle;
  if (feeds()) return feed();
  if (kept_->discards) return discard(stage, dev_null);
  if (kept_->skip > 0) return skip(stage, dev_null);
  if (!index()) return Turn::full;  // what the last turn had no index room for
  auto room = log_.room(kept_->need);
  if (room.empty()) return stand_still();
  if (allowance_) room = room.first(std::min<std::uint64_t>(room.size(), allowed()));
  if (room.empty()) {
    stopped_ = true;
    return Turn::idle;
  }
  const bool relays = relay_ && relay_to_;
  if (relays) room = room.first(std::min(room.size(), relay_->most(*relay_to_, kept_->need)));
  const auto got = take(log::Step::accept, stage, room.size());
  if (relays) relay_->lay(*relay_to_, stage, got.bytes);
  const bool whole = source::read_stage(stage, room.first(got.bytes));
  if (relays) relay_->looked(*relay_to_, !whole);
  took(got.bytes);
  memory().commit();
  if (std::exchange(had_no_room_, false) || got.bytes) came_ = clock_.steady();
  if (got.bytes == 0) hung_up_ = false;  // seen now, or a new writer is there and its leaving will be told
  if (allowance_) *allowance_ -= std::min<std::uint64_t>(got.bytes, *allowance_);
  if (!index()) return Turn::full;
  if (got.after == source::After::closed) writers_left();
  if (allowance_ && log_.partial_bytes() == 0 && (*allowance_ == 0 || got.after != source::After::more)) stopped_ = true;
  return got.after == source::After::more ? Turn::more : Turn::idle;
}

// FIFO -> stage, as a step that a successor can finish: what is in the stage, and how much was.
source::Accepted Inlet::take(log::Step step, const Pipe& stage, std::size_t most) {
  memory().commit();
  memory().begin(step, id_);
  const auto until = hung_up_                                ? source::Until::closed
                     : moderation_.by_clock() && !allowance_ ? source::Until::gathered
                                                             : source::Until::empty;
  const auto got = fifo_.take(stage, most, until);
  if (got.bytes) memory().moved(got.bytes);
  if (!got.error) return got;
  memory().end();
  memory().commit();
  throw Failure::system("read " + fifo_.path(), got.error);
}

// These bytes stand behind what was filled.
void Inlet::took(std::size_t bytes) {
  if (bytes) {
    log_.filled(bytes);
    auto& kept = kept_.edit();
    kept.stream_offset += bytes;
    kept.time_ns = static_cast<std::uint64_t>(clock_.wall().count());
  }
  memory().end();
}

void Inlet::take_up(const Pipe& stage, int dev_null) {
  hung_up_ = true;  // whatever epoll said to a worker that is dead: look until it is seen
  const auto step = memory().step();
  if (memory().step_index() != id_ || (step != log::Step::accept && step != log::Step::discard)) return;
  const auto in_stage = bytes_waiting(stage.read_end.get());
  if (memory().step_moved() == 0) memory().moved(in_stage);  // before the first byte is read: the next death finds it
  const auto moved = memory().step_moved();
  if (moved < in_stage) throw log::Memory::Damaged("there is more in the stage than was moved there");
  if (step == log::Step::accept) {
    source::read_stage(stage, log_.same_room(moved).subspan(moved - in_stage));
    took(moved);
  } else {
    source::discard_stage(stage, dev_null);
    threw_away(moved);
  }
  memory().commit();
}

// There is no room. A frame that will never be whole must not keep its turn for memory, though: its writers have gone, and what
// they left is too little.
Inlet::Turn Inlet::stand_still() {
  const auto partial = log_.partial_bytes();
  const auto waiting = fifo_.waiting();
  const bool torn = hung_up_ && partial > 0 && partial + waiting < kept_->need && !fifo_.has_writer();
  had_no_room_ = true;
  if (!torn) return Turn::full;
  kept_.edit().skip = waiting;
  cut_short(partial + waiting);
  return Turn::more;
}

void Inlet::threw_away(std::size_t bytes) {
  auto& kept = kept_.edit();
  kept.stream_offset += bytes;
  kept.books.discarded_bytes += bytes;
  kept.skip -= std::min<std::uint64_t>(kept.skip, bytes);
  if (kept.discards) kept.discarding += bytes;
  memory().end();
}

// The rest of a frame that was given up.
Inlet::Turn Inlet::skip(const Pipe& stage, int dev_null) {
  const auto got = take(log::Step::discard, stage, std::min<std::uint64_t>(kept_->skip, stage.capacity));
  source::discard_stage(stage, dev_null);
  threw_away(got.bytes);
  if (got.bytes == 0) hung_up_ = false;
  if (got.after == source::After::closed) kept_.edit().skip = 0;
  if (allowance_) stopped_ = got.after != source::After::more;
  return got.after == source::After::more || kept_->skip == 0 ? Turn::more : Turn::idle;
}

bool Inlet::end_dribble() {
  const auto partial = log_.partial_bytes();
  if (kept_->discards || partial == 0 || kept_->need <= kSegmentBytes || had_no_room_) return false;
  if (clock_.steady() - came_ < kDribbleMax || fifo_.waiting() > 0) return false;
  reporter_.warning("dribble",
                    name() + ": " + thousands(partial) + " of " + thousands(kept_->need) + " bytes of a frame came, and none for " +
                        duration_text(kDribbleMax) + ", while others wait for the memory it holds: it is given up (truncated)",
                    "look at the writers of " + fifo_.path() + ", or raise memory_max");
  auto& kept = kept_.edit();
  ++kept.books.truncated;
  kept.books.discarded_bytes += partial;
  kept.skip = kept.need - partial;
  kept.need = 0;
  log_.drop_unindexed();
  return true;
}

// ---- find and match

// Indexes all whole frames that came. false: no room for that now; readers see what was indexed.
bool Inlet::index() {
  std::array<frame::Frame, 512> frames;
  for (;;) {
    const auto bytes = log_.unindexed();
    if (bytes.empty()) break;
    const auto scan = codec_->scan(bytes, frames);
    if (kept_->need != scan.need) kept_.edit().need = scan.need;
    if (scan.frames > 0 && !add(std::span(frames).first(scan.frames), bytes)) {
      if (!log_.make_room_for_index()) return false;
      continue;
    }
    if (scan.too_large) {
      refuse(scan.claimed);
      break;
    }
    memory().commit();
    if (scan.frames < frames.size()) break;
  }
  return true;
}

// false: the index is full; the frames behind the last run are still unindexed.
bool Inlet::add(std::span<const frame::Frame> frames, std::span<const std::byte> bytes) {
  const bool all = add_runs(frames, bytes);
  book();
  return all;
}

// Groups neighbours that go the same way.
bool Inlet::add_runs(std::span<const frame::Frame> frames, std::span<const std::byte> bytes) {
  const auto payload = [&](const frame::Frame& f) { return bytes.subspan(f.payload, f.size); };
  if (matcher_.constant()) {
    const bool wanted = matcher_.match({}, set_);
    return add_run(frames.back().end, static_cast<std::uint32_t>(frames.size()), wanted);
  }
  std::size_t begin = 0;
  std::uint32_t run_begin = 0;
  bool wanted = matcher_.match(payload(frames[0]), set_);
  for (std::size_t i = 1; i <= frames.size(); ++i) {
    bool next_wanted = false;
    if (i < frames.size()) {
      next_wanted = matcher_.match(payload(frames[i]), next_set_);
      if (next_set_ == set_ && next_wanted == wanted) continue;
    }
    const auto run_end = frames[i - 1].end;
    if (!add_run(run_end - run_begin, static_cast<std::uint32_t>(i - begin), wanted)) return false;
    begin = i;
    run_begin = run_end;
    std::swap(set_, next_set_);
    wanted = next_wanted;
  }
  return true;
}

bool Inlet::add_run(std::size_t bytes, std::uint32_t count, bool wanted) {
  if (!log_.add_run(bytes, count, kept_->time_ns, kConfiguration, set_)) return false;
  count_run(count, bytes, wanted);
  return true;
}

void Inlet::count_run(std::uint32_t count, std::size_t bytes, bool wanted) {
  found_.messages += count;
  found_.bytes += bytes;
  bool taken = false;
  for (std::size_t w = 0; w < set_.size(); ++w) {
    news_[w] |= set_[w];
    for (auto rest = set_[w]; rest; rest &= rest - 1) {
      taken = true;
      found_.by_delivery[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))] += count;
    }
  }
  if (taken)
    (wanted ? found_.matched : found_.unmatched_taken) += count;
  else if (!wanted)
    found_.no_route += count;
}

// Before the commit of what was indexed.
void Inlet::book() {
  if (found_.messages == 0) return;
  memory().count_progress();
  auto& books = kept_.edit().books;
  books.accepted += found_.messages;
  books.bytes += found_.bytes;
  books.matched += found_.matched;
  books.unmatched += found_.messages - found_.matched;
  books.unmatched_taken += found_.unmatched_taken;
  for (std::size_t bit = 0; bit < deliveries_.size(); ++bit)
    if (const auto count = std::exchange(found_.by_delivery[bit], 0)) deliveries_[bit]->edit_tally().matched += count;
  const auto dropped = found_.no_route;
  found_.messages = found_.bytes = found_.matched = found_.unmatched_taken = found_.no_route = 0;
  std::uint64_t left_out = 0;
  if (dropped == 0 || !warn_unmatched_ || !unmatched_trouble_.allow(clock_.steady(), left_out)) return;
  reporter_.warning("no_route",
                    name() + ": " + counted(dropped, "message") + " matched no route and " + (dropped == 1 ? "was" : "were") +
                        " dropped (no_route)",
                    "add a route, name a handler as `unmatched:`, or say `unmatched: drop`");
}

void Inlet::take_news(std::vector<std::size_t>& bits) {
  for (std::size_t w = 0; w < news_.size(); ++w) {
    for (auto rest = news_[w]; rest; rest &= rest - 1) bits.push_back(w * 64 + static_cast<std::size_t>(std::countr_zero(rest)));
    news_[w] = 0;
  }
}

// ---- what is no message

// Nobody has the FIFO open to write. What was not a whole frame will never be one, and what comes next is a new stream.
void Inlet::writers_left() {
  wants_fifo_ = !allowance_ && !is_reachable();
  hung_up_ = false;
  kept_.edit().stream_began = kept_->stream_offset;
  if (kept_->discards) return end_draining();
  if (log_.partial_bytes() > 0) cut_short(log_.partial_bytes());
}

// Of the frame at the end only that many bytes will ever come.
void Inlet::cut_short(std::uint64_t bytes) {
  const auto partial = log_.unindexed();
  std::uint64_t left_out = 0;
  if (trouble_.allow(clock_.steady(), left_out)) {
    Diagnostic d{.severity = Severity::warning,
                 .code = "truncated",
                 .message = name() + ": a frame was cut short: its writer left after " + counted(bytes, "byte") +
                            (kept_->need ? " of " + thousands(kept_->need) : " of its header")};
    d.notes.push_back("at offset " + thousands(offset()) + " of " + fifo_.path() + ": " + hex_excerpt(partial));
    if (left_out) d.notes.push_back(counted(left_out, "fault") + " on this source left out here; the account has all");
    reporter_.say(d);
  }
  auto& kept = kept_.edit();
  ++kept.books.truncated;
  kept.books.discarded_bytes += partial.size();
  kept.need = 0;
  log_.drop_unindexed();
  hung_up_ = false;
}

// ---- trim

bool Inlet::trim() {
  auto lowest = log_.end();
  for (auto* d : deliveries_) {
    d->skip_unwanted();
    lowest = std::min(lowest, d->settled());
  }
  const bool passed = lowest != log_.trimmed();
  if (passed) log_.trim(lowest);
  memory().commit();
  if (spills_) spills_->passed(log_.trimmed().position);
  return passed;
}

void Inlet::check_invariants() const {
  log_.check_invariants();
  const auto& b = books();
  INVARIANT(b.accepted == b.matched + b.unmatched, b.accepted, b.matched, b.unmatched);
}

}  // namespace standpipe::worker
