// SPDX-License-Identifier: Apache-2.0
#include "worker/inlet.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/invariant.h"
#include "base/text.h"
#include "frame/length_prefixed.h"

namespace standpipe::worker {
namespace {

constexpr std::uint32_t kGeneration = 1;  // of the configuration; a reload will count up

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

Inlet::Inlet(const source::FifoOptions& options, std::size_t id, log::Arena& arena, match::Matcher matcher, const Clock& clock,
             Reporter& reporter, bool warn_unmatched)
    : options_(options),
      clock_(clock),
      reporter_(reporter),
      fifo_(options),
      codec_(std::make_unique<frame::LengthPrefixed>(options.message_size_max)),
      matcher_(std::move(matcher)),
      log_(arena, {id, options.log_size_max, std::max<std::size_t>(1, matcher_.handlers().size()), !matcher_.constant()}),
      deliveries_(matcher_.handlers().size()),
      set_(matcher_.words()),
      next_set_(matcher_.words()),
      news_(matcher_.words()),
      warn_unmatched_(warn_unmatched) {
  INVARIANT(log_.set_words() == matcher_.words(), log_.set_words(), matcher_.words());
}

std::unique_ptr<deliver::Delivery> Inlet::make_delivery(std::size_t bit) {
  auto delivery = std::make_unique<deliver::Delivery>(name(), log_, *codec_, bit);
  deliveries_[bit] = delivery.get();
  return delivery;
}

void Inlet::on_event(std::uint32_t events) { hung_up_ |= (events & EPOLLHUP) != 0; }

// ---- accept

Inlet::Turn Inlet::accept(const Pipe& stage, int dev_null) {
  if (stopped_) return Turn::idle;
  if (discards_) return discard(dev_null);
  if (skip_ > 0) return skip(dev_null);
  if (!index()) return Turn::full;  // what the last turn had no index room for
  auto room = log_.room(need_);
  if (room.empty()) return stand_still();
  if (allowance_) room = room.first(std::min<std::uint64_t>(room.size(), allowed()));
  if (room.empty()) {
    stopped_ = true;
    return Turn::idle;
  }
  const auto got = fifo_.accept(stage, room, hung_up_);
  time_ns_ = static_cast<std::uint64_t>(clock_.wall().count());
  came_ = got.bytes ? clock_.steady() : came_;
  if (got.bytes == 0) hung_up_ = false;  // seen now, or a new writer is there and its leaving will be told
  log_.filled(got.bytes);
  stream_offset_ += got.bytes;
  if (allowance_) *allowance_ -= std::min<std::uint64_t>(got.bytes, *allowance_);
  if (!index()) return Turn::full;
  if (got.after == source::After::closed) writers_left();
  if (allowance_ && log_.partial_bytes() == 0 && (*allowance_ == 0 || got.after != source::After::more)) stopped_ = true;
  return got.after == source::After::more ? Turn::more : Turn::idle;
}

// There is no room. A frame that will never be whole must not keep its turn for memory, though: its writers have gone, and what
// they left is too little.
Inlet::Turn Inlet::stand_still() {
  const auto partial = log_.partial_bytes();
  const auto waiting = fifo_.waiting();
  const bool torn = hung_up_ && partial > 0 && partial + waiting < need_ && !fifo_.has_writer();
  if (!torn) return Turn::full;
  cut_short(partial + waiting);
  skip_ = waiting;
  return Turn::more;
}

// The rest of a frame that was given up.
Inlet::Turn Inlet::skip(int dev_null) {
  const auto got = fifo_.discard(dev_null, skip_, hung_up_);
  stream_offset_ += got.bytes;
  books_.discarded_bytes += got.bytes;
  skip_ -= got.bytes;
  if (got.bytes == 0) hung_up_ = false;
  if (got.after == source::After::closed) skip_ = 0;
  if (allowance_) stopped_ = got.after != source::After::more;
  return got.after == source::After::more || skip_ == 0 ? Turn::more : Turn::idle;
}

bool Inlet::end_dribble() {
  const auto partial = log_.partial_bytes();
  if (discards_ || partial == 0 || need_ <= kSegmentBytes || clock_.steady() - came_ < kDribbleMax) return false;
  reporter_.warning("dribble",
                    name() + ": " + thousands(partial) + " of " + thousands(need_) + " bytes of a frame came, and none for " +
                        duration_text(kDribbleMax) + ", while others wait for the memory it holds: it is given up (truncated)",
                    "look at the writers of " + fifo_.path() + ", or raise memory_max");
  ++books_.truncated;
  books_.discarded_bytes += partial;
  skip_ = need_ - partial;
  need_ = 0;
  log_.drop_unindexed();
  return true;
}

Inlet::Turn Inlet::discard(int dev_null) {
  const auto got = fifo_.discard(dev_null, kStageBytes, hung_up_);
  stream_offset_ += got.bytes;
  discarding_ += got.bytes;
  books_.discarded_bytes += got.bytes;
  if (got.after == source::After::closed) writers_left();
  if (allowance_) stopped_ = true;
  return got.after == source::After::more ? Turn::more : Turn::idle;
}

// ---- find and match

// Indexes all whole frames that came. false: no room for that now; readers see what was indexed.
bool Inlet::index() {
  std::array<frame::Frame, 512> frames;
  for (;;) {
    const auto bytes = log_.unindexed();
    if (bytes.empty()) break;
    const auto scan = codec_->scan(bytes, frames);
    need_ = scan.need;
    if (scan.frames > 0 && !add(std::span(frames).first(scan.frames), bytes)) {
      if (!log_.make_room_for_index()) return false;
      continue;
    }
    if (scan.too_large) {
      refuse(scan.claimed);
      break;
    }
    if (scan.frames < frames.size()) break;
  }
  return true;
}

// Groups neighbours that go the same way. false: the index is full; the frames behind the last run are still unindexed.
bool Inlet::add(std::span<const frame::Frame> frames, std::span<const std::byte> bytes) {
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
  if (!log_.add_run(bytes, count, time_ns_, kGeneration, set_)) return false;
  book(count, bytes, wanted);
  return true;
}

void Inlet::book(std::uint32_t count, std::size_t bytes, bool wanted) {
  books_.accepted += count;
  books_.bytes += bytes;
  bool taken = false;
  for (std::size_t w = 0; w < set_.size(); ++w) {
    news_[w] |= set_[w];
    for (auto rest = set_[w]; rest; rest &= rest - 1) {
      taken = true;
      deliveries_[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))]->tally().matched += count;
    }
  }
  (taken ? books_.matched : books_.unmatched) += count;
  std::uint64_t left_out = 0;
  if (taken || wanted || !warn_unmatched_ || !unmatched_trouble_.allow(clock_.steady(), left_out)) return;
  reporter_.warning(
      "no_route",
      name() + ": " + counted(count, "message") + " matched no route and " + (count == 1 ? "was" : "were") + " dropped (no_route)",
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
  look_for_name();
  hung_up_ = false;
  if (discards_) {
    if (refusal_said_)
      reporter_.info(name() + ": its writers have gone; " + counted(discarding_, "byte") + " drained, listening again");
    discards_ = false;
    discarding_ = 0;
    need_ = 0;
    return;
  }
  if (log_.partial_bytes() > 0) cut_short(log_.partial_bytes());
}

void Inlet::look_for_name() {
  const bool gone = !fifo_.still_has_its_name();
  if (gone && !name_gone_said_)
    reporter_.warning("fifo-gone",
                      name() + ": " + fifo_.path() + " was removed or replaced; nobody can write to this source any more",
                      "start the hub again: it makes the FIFO anew");
  name_gone_said_ = gone;
}

// Of the frame at the end only that many bytes will ever come.
void Inlet::cut_short(std::uint64_t bytes) {
  const auto partial = log_.unindexed();
  std::uint64_t left_out = 0;
  if (trouble_.allow(clock_.steady(), left_out)) {
    Diagnostic d{.severity = Severity::warning,
                 .code = "truncated",
                 .message = name() + ": a frame was cut short: its writer left after " + counted(bytes, "byte") +
                            (need_ ? " of " + thousands(need_) : " of its header")};
    d.notes.push_back("at offset " + thousands(offset()) + " of " + fifo_.path() + ": " + hex_excerpt(partial));
    if (left_out) d.notes.push_back(counted(left_out, "fault") + " on this source left out here; the account has all");
    reporter_.say(d);
  }
  ++books_.truncated;
  books_.discarded_bytes += partial.size();
  log_.drop_unindexed();
  need_ = 0;
  hung_up_ = false;
}

// A length beyond the limit: nothing behind it can be trusted, until all writers have closed.
void Inlet::refuse(std::uint64_t claimed) {
  const auto rest = log_.unindexed();
  std::uint64_t left_out = 0;
  refusal_said_ = trouble_.allow(clock_.steady(), left_out);
  if (refusal_said_) {
    Diagnostic d{.code = "bad_frame",
                 .message = name() + ": a frame claims " + counted(claimed, "byte") + " (limit " +
                            thousands(options_.message_size_max) + ")"};
    const auto length = as_text(rest.first(std::min<std::size_t>(4, rest.size())));
    const bool text = is_printable_ascii(length);
    d.notes.push_back("at offset " + thousands(offset()) + " of " + fifo_.path() + ": " + hex_excerpt(rest));
    if (text) d.notes.push_back("its length is the text \"" + escaped(length) + "\": a writer sends plain text, not frames");
    if (left_out) d.notes.push_back(counted(left_out, "fault") + " on this source left out here; the account has all");
    d.notes.push_back("what comes until all its writers have closed is drained and counted (bad_frame)");
    d.help.push_back(text ? "use `standpipe send`, or put 4 bytes with the length (little endian) before each message"
                          : "look at its writers, or raise `framing: { max_message_size: }` on this source");
    reporter_.say(d);
  }
  ++books_.bad_frame;
  books_.discarded_bytes += rest.size();
  discarding_ = rest.size();
  log_.drop_unindexed();
  discards_ = true;
  need_ = 0;
}

// ---- trim and stop

bool Inlet::trim() {
  auto lowest = log_.end();
  for (auto* d : deliveries_) {
    d->skip_unwanted();
    lowest = std::min(lowest, d->settled());
  }
  if (lowest == log_.trimmed()) return false;
  log_.trim(lowest);
  return true;
}

void Inlet::begin_stop() { allowance_ = fifo_.waiting(); }

// Stopping: what waited in the FIFO then, and the rest of the frame that it ends in.
std::uint64_t Inlet::allowed() const {
  const auto partial = log_.partial_bytes();
  if (*allowance_ > 0 || partial == 0) return *allowance_;
  return need_ ? need_ - partial : 1;  // byte by byte until the length is known
}

std::size_t Inlet::end_stop(const Pipe& stage, int dev_null) {
  log_.lift_limit();
  allowance_ = 0;
  for (auto before = ~stream_offset_; before != stream_offset_ && !discards_ && log_.partial_bytes() > 0;) {
    before = stream_offset_;
    stopped_ = false;
    accept(stage, dev_null);
  }
  stopped_ = true;
  if (skip_ > 0) drain(skip_, dev_null);
  if (discards_ || log_.partial_bytes() == 0) return fifo_.waiting();
  const auto came = log_.partial_bytes();
  const auto whole = frame_bytes(stage);
  reporter_.warning("truncated", name() + ": the hub stopped inside a frame: " + counted(came, "byte") +
                                     (whole ? " of " + thousands(whole) : "") + " had come from its writer");
  ++books_.truncated;
  books_.discarded_bytes += log_.drop_unindexed();
  drain(whole > came ? whole - came : 0, dev_null);
  return fifo_.waiting();
}

// What the unfinished frame takes in all; if need be, the rest of its header is read for that. 0: it is not known.
std::uint64_t Inlet::frame_bytes(const Pipe& stage) {
  if (need_) return need_;
  std::vector<std::byte> head(log_.unindexed().begin(), log_.unindexed().end());
  const auto came = head.size();
  head.resize(codec_->overhead());
  const auto got = fifo_.accept(stage, std::span(head).subspan(came), false);
  books_.discarded_bytes += got.bytes;
  frame::Frame frame{};
  const auto scan = codec_->scan(std::span(head).first(came + got.bytes), {&frame, 1});
  const auto size = scan.frames ? std::uint64_t{frame.end} : scan.need;
  return size > got.bytes ? size - got.bytes : 0;
}

void Inlet::drain(std::uint64_t bytes, int dev_null) {
  while (bytes > 0) {
    const auto got = fifo_.discard(dev_null, bytes, false);
    if (got.bytes == 0) return;
    bytes -= got.bytes;
    books_.discarded_bytes += got.bytes;
  }
}

void Inlet::check_invariants() const {
  log_.check_invariants();
  INVARIANT(books_.accepted == books_.matched + books_.unmatched, books_.accepted, books_.matched, books_.unmatched);
}

}  // namespace standpipe::worker
