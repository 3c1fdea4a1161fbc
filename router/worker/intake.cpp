// SPDX-License-Identifier: Apache-2.0
#include "worker/intake.h"

#include <standpipe/wire.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bits.h"
#include "base/invariant.h"
#include "frame/source_codec.h"

namespace standpipe::worker {
namespace {

// The index has room for the configuration that matched a message. Nobody asks for it yet, so all
// say the same.
constexpr std::uint32_t kConfiguration = 1;

// Those at the beginning that may be matched: one is begun while any bytes are left, which are
// spent.
std::span<const frame::Frame> affordable(std::span<const frame::Frame> frames,
                                         std::uint64_t& bytes_left) {
  std::size_t n = 0;
  while (n < frames.size() && (n == 0 ? 0 : frames[n - 1].end) < bytes_left) ++n;
  if (n > 0) bytes_left -= std::min<std::uint64_t>(bytes_left, frames[n - 1].end);
  return frames.first(n);
}

}  // namespace

Intake::Intake(const IntakeOptions& options, log::Arena& arena, match::Matcher matcher,
               const Clock& clock, Reporter& reporter)
    : options_(options),
      clock_(clock),
      reports_(options.source, options.warn_unmatched, clock, reporter),
      codec_(frame::source_codec(options.message_size_max)),
      matcher_(std::move(matcher)),
      log_(arena, {.id = options.id,
                   .size_max = options.log_size_max,
                   .frame_max = STANDPIPE_WIRE_HEADER_BYTES + options.message_size_max,
                   .readers = matcher_.words() * 64,
                   .runs_are_short = !matcher_.constant()}),
      with_bit_(matcher_.handlers().size()),
      limits_(matcher_.words()),
      state_(arena.memory(), "source/" + options.source),
      set_(matcher_.words()),
      next_set_(matcher_.words()),
      pending_(with_bit_.size(), matcher_.words()) {
  INVARIANT(log_.set_words() == matcher_.words(), log_.set_words(), matcher_.words());
}

std::unique_ptr<deliver::Delivery> Intake::make_delivery(std::size_t bit,
                                                         const std::string& handler,
                                                         std::uint32_t id) {
  auto delivery = std::make_unique<deliver::Delivery>(source(), handler, id, log_, bit);
  delivery->comes_from(options_.fifo);
  if (bit >= with_bit_.size()) {
    with_bit_.resize(bit + 1);
    pending_.has_bits(bit + 1);
  }
  with_bit_[bit] = deliveries_.emplace_back(delivery.get());
  return delivery;
}

// ---- a stream

std::span<std::byte> Intake::room_for_stream() {
  if (last_frame_ < kLargeLeast || last_frame_ > kLargeMost) return room();
  const auto next = need() > 0 ? need() : last_frame_;
  const auto all = log_.room(next);
  const auto rest = next - std::min<std::uint64_t>(next, log_.incomplete_bytes());
  if (all.size() < rest) return room();  // a smaller one may still fit
  return all.first(rest + (all.size() - rest) / last_frame_ * last_frame_);
}

Intake::Indexed Intake::index(std::uint64_t time_ns, std::uint64_t steps_max) {
  std::array<frame::Frame, 512> frames;
  const auto steps = matcher_.pattern_cost().steps();
  auto bytes_left = steps == 0 ? UINT64_MAX : std::max<std::uint64_t>(steps_max / steps, 1);
  for (;;) {
    const auto bytes = log_.unindexed();
    if (bytes.empty()) return {};
    const auto scan = codec_->scan(bytes, frames);
    const auto found = std::span<const frame::Frame>(frames).first(scan.frames);
    const auto now = steps == 0 ? found : affordable(found, bytes_left);
    const bool more = now.size() < found.size();
    const auto needed = more ? 0 : scan.need;
    if (need() != needed) state_.edit().need = needed;
    if (!now.empty() && !add(now, bytes, time_ns)) {
      if (!log_.make_room_for_index()) return {.all = false};
      continue;
    }
    if (!now.empty()) last_frame_ = now.back().size + STANDPIPE_WIRE_HEADER_BYTES;
    if (scan.too_large && !more) return {.claim = scan.claimed};
    memory().commit();
    if (more) return {.more = true};
    if (scan.frames < frames.size()) return {};
  }
}

// false: the index is full; the frames after the last run are still unindexed.
bool Intake::add(std::span<const frame::Frame> frames, std::span<const std::byte> bytes,
                 std::uint64_t time_ns) {
  const bool all = add_runs(frames, bytes, time_ns);
  count();
  return all;
}

// What its source knows of a message.
std::span<const match::Meta> Intake::meta_of(std::span<const std::byte> fields) {
  meta_.clear();
  if (!options_.fifo.empty()) meta_.push_back({"fifo", options_.fifo});
  log::FieldReader reader(fields);
  while (const auto field = reader.next())
    meta_.push_back(
        {field->name, {reinterpret_cast<const char*>(field->value.data()), field->value.size()}});
  return meta_;
}

bool Intake::match(std::span<const frame::Frame> frames, std::size_t i,
                   std::span<const std::byte> bytes, std::span<std::uint64_t> set,
                   PendingCounts::Unseen& unseen) {
  const auto& frame = frames[i];
  const auto fields = made_.empty() ? std::span<const std::byte>() : made_[i].fields;
  const bool wanted =
      matcher_.match({bytes.subspan(frame.payload, frame.size), meta_of(fields)}, set);
  unseen = {.above_match_max = matcher_.is_too_large(frame.size),
            .too_long_for_patterns = matcher_.has_left_patterns()};
  return wanted;
}

std::optional<std::size_t> Intake::route_to(std::size_t handler, std::span<const std::byte> payload,
                                            std::span<const std::byte> fields) {
  return matcher_.route_to(handler, {payload, meta_of(fields)});
}

// Groups neighbouring frames that go to the same handlers.
bool Intake::add_runs(std::span<const frame::Frame> frames, std::span<const std::byte> bytes,
                      std::uint64_t time_ns) {
  if (matcher_.constant()) {
    const bool wanted = matcher_.match({}, set_);
    return add_run(frames, 0, time_ns, wanted);
  }
  std::size_t begin = 0;
  std::uint32_t run_begin = 0;
  PendingCounts::Unseen unseen;  // of the run
  bool wanted = match(frames, 0, bytes, set_, unseen);
  for (std::size_t i = 1; i <= frames.size(); ++i) {
    bool next_wanted = false;
    PendingCounts::Unseen next;
    if (i < frames.size()) {
      next_wanted = match(frames, i, bytes, next_set_, next);
      if (next_set_ == set_ && next_wanted == wanted) {
        unseen += next;
        continue;
      }
    }
    const auto run_end = frames[i - 1].end;
    if (!add_run(frames.subspan(begin, i - begin), run_begin, time_ns, wanted)) return false;
    pending_.add(std::exchange(unseen, next));
    begin = i;
    run_begin = run_end;
    std::swap(set_, next_set_);
    wanted = next_wanted;
  }
  return true;
}

// `begin`: where the first of them begins, counted as their ends are. They are all for set_.
bool Intake::add_run(std::span<const frame::Frame> frames, std::size_t begin, std::uint64_t time_ns,
                     bool wanted) {
  if (limits_.drops_newest()) return add_limited_run(frames, begin, time_ns, wanted);
  const auto bytes = frames.back().end - begin;
  const auto count = static_cast<std::uint32_t>(frames.size());
  if (!log_.add_run(bytes, count, time_ns, kConfiguration, set_)) return false;
  pending_.add(count, bytes, set_, wanted);
  return true;
}

// The same where messages may find a queue full: a message is dropped for that handler alone, and
// lies in the log for the others.
bool Intake::add_limited_run(std::span<const frame::Frame> frames, std::size_t begin,
                             std::uint64_t time_ns, bool wanted) {
  while (!frames.empty()) {
    const auto part = limits_.split(frames, begin, set_, pending_);
    const auto end = frames[part - 1].end;
    const auto count = static_cast<std::uint32_t>(part);
    if (!log_.add_run(end - begin, count, time_ns, kConfiguration, limits_.with_room()))
      return false;
    pending_.add(count, end - begin, set_, wanted);
    pending_.add_dropped(count, limits_.full());
    begin = end;
    frames = frames.subspan(part);
  }
  return true;
}

void Intake::drop_incomplete() {
  if (need() > 0) state_.edit().need = 0;
  log_.drop_incomplete();
}

// ---- whole frames

bool Intake::append(std::size_t bytes, std::uint32_t frames, std::uint64_t time_ns,
                    std::span<const std::uint64_t> set) {
  while (!log_.add_run(bytes, frames, time_ns, kConfiguration, set)) {
    if (log_.make_room_for_index()) continue;
    log_.drop_incomplete();
    return false;
  }
  pending_.add(frames, bytes, set, !matcher_.only_unmatched(set));
  count();
  return true;
}

void Intake::append_made(std::span<const deliver::MadeMessage> messages, std::uint64_t time_ns) {
  std::size_t bytes = 0;
  for (const auto& message : messages)
    bytes += STANDPIPE_WIRE_HEADER_BYTES + message.payload.size();
  const auto room = room_for(messages, bytes);
  made_frames_.clear();
  std::uint32_t at = 0;
  for (const auto& message : messages) {
    const auto size = static_cast<std::uint32_t>(message.payload.size());
    standpipe_wire_put_length(reinterpret_cast<std::uint8_t*>(room.data() + at), size);
    const auto payload = at + static_cast<std::uint32_t>(STANDPIPE_WIRE_HEADER_BYTES);
    if (size > 0) std::memcpy(room.data() + payload, message.payload.data(), size);
    at = payload + size;
    made_frames_.push_back({payload, size, at});
  }
  log_.filled(bytes);
  made_ = messages;
  const bool all = add(made_frames_, room, time_ns);
  made_ = {};
  INVARIANT(all, messages.size(), bytes);  // room was kept for the index, too
}

// With their metadata before it, if any of them has some.
std::span<std::byte> Intake::room_for(std::span<const deliver::MadeMessage> messages,
                                      std::size_t bytes) {
  if (std::all_of(messages.begin(), messages.end(), [](const auto& m) { return m.fields.empty(); }))
    return log_.same_room(bytes);
  block_.clear();
  for (const auto& message : messages) {
    block_.add_fields(message.fields);
    block_.end_message();
  }
  const auto room = log_.add_block(block_.finish(), bytes, block_.count());
  INVARIANT(room.size() == bytes, room.size(), bytes);
  return room;
}

void Intake::drop(std::size_t bytes, std::uint32_t frames, std::span<const std::uint64_t> set,
                  deliver::Reason reason) {
  pending_.add(frames, bytes, set, !matcher_.only_unmatched(set));
  count();
  for_bits(set, [&](std::size_t bit) { with_bit_[bit]->edit_tally().drop(reason, frames); });
}

// ---- the counters

// Before the commit of what was indexed.
void Intake::count() {
  if (pending_.empty()) return;
  memory().count_progress();
  const auto news = pending_.move_to(
      edit_counters(), [this](std::size_t bit, const PendingCounts::OfDelivery& counts) {
        auto& tally = with_bit_[bit]->edit_tally();
        tally.matched += counts.matched;
        if (counts.dropped > 0) tally.drop(deliver::Reason::queue_full, counts.dropped);
      });
  if (news.too_long_for_patterns > 0)
    reports_.left_patterns(news.too_long_for_patterns, matcher_.pattern_cost());
  if (news.no_route > 0) reports_.unmatched(news.no_route);
}

// ---- trim

bool Intake::trim() {
  auto lowest = log_.end();
  std::optional<Nanoseconds> wall;
  for (auto* d : deliveries_) {
    d->skip_unwanted();
    d->sample_latency(clock_, wall);
    lowest = std::min(lowest, d->settled());
  }
  limits_.update();  // it reads what is trimmed now
  const bool passed = lowest != log_.trimmed();
  if (passed) log_.trim(lowest);
  memory().commit();
  return passed;
}

void Intake::check_invariants() const {
  log_.check_invariants();
  const auto& c = counters();
  INVARIANT(c.accepted == c.matched + c.unmatched, c.accepted, c.matched, c.unmatched);
}

}  // namespace standpipe::worker
