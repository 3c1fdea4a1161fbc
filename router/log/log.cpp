// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "base/invariant.h"
#include "base/limits.h"

namespace standpipe::log {
namespace {

// A segment with less room than a page is full: a splice of less than a page moves next to nothing.
constexpr std::uint64_t kRoomLeast = 4 * KiB;
// A log's first segment: one FIFO of default capacity.
constexpr std::uint64_t kSegmentFirst = 64 * KiB;
// Entries that the index of a fresh segment has room for, whatever moves there.
constexpr std::uint64_t kRunsLeast = 8;
// Before the first frame of a segment.
constexpr std::uint64_t kFrontBytes = Segment::kHeaderBytes + Segment::kGapMost;

}  // namespace

Log::Log(Arena& arena, const LogOptions& options)
    : arena_(arena),
      id_(options.id),
      size_max_(options.size_max),
      last_read_(options.readers),
      words_((options.readers + 63) / 64),
      run_bytes_(static_cast<std::uint32_t>(sizeof(Run) + words_ * sizeof(std::uint64_t))),
      lately_frames_(options.runs_are_short ? 3 : 31),
      // Four segments at least, so that the front can be given back while the end grows.
      segment_max_(std::clamp<std::uint64_t>(std::bit_floor(options.size_max / 4), kSegmentBytesLeast, kSegmentBytes)),
      segment_next_(std::min(segment_max_, kSegmentFirst)),
      kept_(arena.memory(), "log/" + std::to_string(options.id)) {
  if (options.frame_max > 0) arena_.entitle(id_, extent_for(options.frame_max) + kSegmentBytes);  // its beginning waits in one
  attach();
}

// What it holds stays for the next worker, or goes with the memory.
Log::~Log() { arena_.withdraw(id_); }

void Log::attach() {
  if (kept_->end.sequence.number == 0) kept_.edit() = {0, {}, {}};  // new
  auto expected = kept_->end.position;
  for (auto at = kept_->first; at != 0; at = segments_.back().next()) {
    Segment segment(arena_.memory(), at - 1, words_);
    if (!segments_.empty() && segment.start() != expected) throw Memory::Damaged("two segments do not join");
    arena_.claim(segment.extent(), id_);
    if (guarantee_used_ && segment.extent().guaranteed) throw Memory::Damaged("a log has its guarantee twice");
    guarantee_used_ |= segment.extent().guaranteed;
    memory_ += segment.extent().bytes;
    expected = segment.end();
    segments_.push_back(segment);
  }
  const bool joined = kept_->trimmed <= kept_->end && expected == kept_->end.position &&
                      (segments_.empty() ? empty() : segments_.front().start() <= kept_->trimmed.position);
  if (!joined) throw Memory::Damaged("a log's segments are not what its cursors say");
}

// ---- append

std::span<std::byte> Log::room(std::uint64_t frame_bytes) {
  waits_for_arena_ = false;
  if (!segments_.empty() && tail_suffices(frame_bytes)) return tail_room(frame_bytes);
  if (!segments_.empty()) segment_next_ = std::min(segment_next_ * 2, segment_max_);
  if (!grow(frame_bytes)) return {};
  return tail_room(frame_bytes);
}

std::uint64_t Log::missing(std::uint64_t frame_bytes) const {
  const auto here = unindexed().size();
  return frame_bytes > here ? frame_bytes - here : 0;
}

std::uint32_t Log::reserve(const Segment& segment) const {
  const std::uint64_t free = segment.floor() - segment.filled();
  const auto share = free * lately_index_ / (lately_index_ + lately_frames_);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(run_bytes_ * kRunsLeast, share));
}

// The reserve for the index may be used up by the last bytes of a large frame: it needs one entry.
std::span<std::byte> Log::tail_room(std::uint64_t frame_bytes) const {
  const auto& tail = segments_.back();
  const auto room = tail.room(reserve(tail));
  return room.size() >= missing(frame_bytes) ? room : tail.room(run_bytes_);
}

bool Log::tail_suffices(std::uint64_t frame_bytes) const {
  const auto& tail = segments_.back();
  const auto room = tail_room(frame_bytes).size();
  if (room == 0 || room < missing(frame_bytes)) return false;
  return tail.indexed() == 0 || room >= std::min<std::uint64_t>(kRoomLeast, tail.capacity() / 4);
}

std::uint64_t Log::extent_for(std::uint64_t bytes) const {
  return std::max<std::uint64_t>(kFrontBytes + bytes + kRunsLeast * run_bytes_ + 64, kSegmentBytesLeast);
}

// Makes a tail that the unfinished frame fits into, and moves there what is not indexed.
bool Log::grow(std::uint64_t frame_bytes) {
  const std::uint64_t partial = unindexed().size();
  const auto content = std::max(frame_bytes, partial);
  if (segments_.size() == 1 && empty() && segments_.front().can_rewind() &&
      kFrontBytes + content + run_bytes_ <= segments_.front().extent().bytes) {
    learn(segments_.front());
    segments_.front().rewind(end().position);
    commit();
    if (!tail_room(frame_bytes).empty()) {
      arena_.withdraw(id_);
      return true;
    }
  }
  const auto least = extent_for(content);
  const auto usual = std::clamp<std::uint64_t>(std::bit_ceil(partial + partial / 4), segment_next_, kSegmentBytes);
  const auto wanted = std::max(least, usual);
  const auto extent = borrow(wanted, least);
  if (!extent) return false;
  Segment fresh(arena_.memory(), *extent, end().position, words_);
  fresh.adopt(unindexed());
  if (!segments_.empty()) {
    learn(segments_.back());
    segments_.back().drop_unindexed();
    if (segments_.back().indexed() == 0) {
      give_back_later(segments_.back());
      segments_.pop_back();
    }
  }
  if (segments_.empty())
    kept_.edit().first = extent->offset + 1;
  else
    segments_.back().link(fresh);
  segments_.push_back(fresh);
  drop_passed();
  commit();
  arena_.withdraw(id_);
  return true;
}

// A segment is left behind: how its bytes and its index compared is the best guess for the next one.
void Log::learn(const Segment& segment) {
  if (segment.indexed() == 0) return;
  lately_frames_ = segment.indexed();
  lately_index_ = segment.capacity() - segment.floor();
}

std::optional<Extent> Log::borrow(std::uint64_t wanted, std::uint64_t least) {
  if (memory_ + wanted > size_max_) wanted = least;
  if (memory_ + wanted > size_max_ && !empty()) return std::nullopt;  // full; a log without whole frames may always have one
  const auto most = size_max_ - std::min(size_max_, memory_);
  auto extent = arena_.lend(wanted, id_, most);
  if (!extent && least < wanted) extent = arena_.lend(least, id_, most);
  if (!extent && !guarantee_used_ && least <= arena_.guaranteed_bytes()) {
    extent = arena_.lend_guaranteed(id_);
    arena_.withdraw(id_);
  }
  waits_for_arena_ = !extent;
  if (!extent) return std::nullopt;
  guarantee_used_ |= extent->guaranteed;
  memory_ += extent->bytes;
  return extent;
}

// Not before the commit: until then a new worker would find the segment in its place.
void Log::give_back_later(const Segment& segment) {
  const auto extent = segment.extent();
  if (extent.guaranteed) guarantee_used_ = false;
  memory_ -= extent.bytes;
  passed_.push_back(extent);
}

void Log::commit() {
  arena_.memory().commit();
  for (const auto& extent : passed_) arena_.give_back(extent, id_);
  passed_.clear();
}

std::span<std::byte> Log::same_room(std::size_t bytes) const {
  const auto room = segments_.empty() ? std::span<std::byte>() : segments_.back().room(0);
  if (room.size() < bytes) throw Memory::Damaged("there is no room for what was being read");
  return room.first(bytes);
}

void Log::filled(std::size_t bytes) { segments_.back().fill(static_cast<std::uint32_t>(bytes)); }

std::span<const std::byte> Log::unindexed() const {
  return segments_.empty() ? std::span<const std::byte>() : segments_.back().unindexed();
}

bool Log::add_run(std::size_t bytes, std::uint32_t count, std::uint64_t time_ns, std::uint32_t generation,
                  std::span<const std::uint64_t> set) {
  if (!segments_.back().add_run(static_cast<std::uint32_t>(bytes), count, end().sequence, time_ns, generation, set)) return false;
  kept_.edit().end = {end().position + bytes, end().sequence + count};
  return true;
}

bool Log::make_room_for_index() { return grow(0); }

std::size_t Log::drop_unindexed() {
  ++drops_;
  arena_.withdraw(id_);
  if (segments_.empty()) return 0;
  const auto dropped = segments_.back().drop_unindexed();
  trim(trimmed());
  return dropped;
}

// ---- read

const Segment& Log::segment_at(Position position) const {
  if (!segments_.empty() && segments_.back().start() <= position) return segments_.back();
  const auto behind =
      std::upper_bound(segments_.begin(), segments_.end(), position, [](Position p, const Segment& s) { return p < s.start(); });
  INVARIANT(behind != segments_.begin(), position.bytes, trimmed().position.bytes);
  return *std::prev(behind);
}

std::optional<Piece> Log::read(Cursor& at, std::size_t bit) const {
  std::optional<Piece> found;
  read_each(at, bit, [&](const Piece& piece) {
    found = piece;
    return false;
  });
  return found;
}

std::uint64_t Log::count_between(Cursor from, Cursor to, std::size_t bit) const {
  std::uint64_t count = 0;
  read_each(from, bit, [&](const Piece& piece) {
    if (piece.begin >= to) return false;
    count += piece.end <= to ? piece.count : to.sequence - piece.begin.sequence;  // inside a run every frame is wanted
    return piece.end < to;
  });
  return count;
}

// ---- trim

void Log::trim(Cursor lowest) {
  INVARIANT(trimmed() <= lowest && lowest <= end(), trimmed().position.bytes, lowest.position.bytes, end().position.bytes);
  kept_.edit().trimmed = lowest;
  drop_passed();
  if (segments_.size() == 1 && empty() && unindexed().empty()) {
    // Little was in it: the source is not busy, and smaller segments leave more for others.
    if (segments_.front().filled() < segments_.front().capacity() / 4)
      segment_next_ = std::max(segment_next_ / 2, std::min(segment_max_, kSegmentFirst));
    give_back_later(segments_.front());
    segments_.clear();
    kept_.edit().first = 0;
  }
  commit();
}

void Log::drop_passed() {
  while (segments_.size() > 1 && segments_.front().end() <= trimmed().position) {
    kept_.edit().first = segments_.front().next();
    give_back_later(segments_.front());
    segments_.pop_front();
  }
}

void Log::check_invariants() const {
  INVARIANT(trimmed() <= end(), trimmed().position.bytes, end().position.bytes);
  std::uint64_t memory = 0;
  const Segment* before = nullptr;
  for (const auto& s : segments_) {
    INVARIANT(!before || before->end() == s.start(), before->end().bytes, s.start().bytes);
    INVARIANT(s.indexed() <= s.filled() && s.filled() <= s.floor(), s.indexed(), s.filled(), s.floor());
    std::uint32_t at = 0;
    for (std::uint32_t r = 0; r < s.runs(); ++r) {
      INVARIANT(s.run(r).begin == at && s.run(r).end >= at && s.run(r).count > 0, r, s.run(r).begin, at, s.run(r).end);
      at = s.run(r).end;
    }
    INVARIANT(at == s.indexed(), at, s.indexed());
    memory += s.extent().bytes;
    before = &s;
  }
  INVARIANT(memory == memory_, memory, memory_);
  INVARIANT(segments_.empty() ? empty() : segments_.back().end() == end().position, end().position.bytes);
}

}  // namespace standpipe::log
