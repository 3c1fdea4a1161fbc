// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "base/invariant.h"
#include "base/limits.h"
#include "log/meta_block.h"

namespace standpipe::log {
namespace {

// A segment with less room than a page is full, because a splice of less than a page moves next to
// nothing.
constexpr std::uint64_t kRoomLeast = 4 * KiB;

}  // namespace

std::string Log::record_of(std::size_t id) { return "log/" + std::to_string(id); }

Log::Log(Arena& arena, const LogOptions& options)
    : arena_(arena),
      id_(options.id),
      size_max_(options.size_max),
      last_read_(options.readers),
      words_((options.readers + 63) / 64),
      sizing_(options.size_max,
              static_cast<std::uint32_t>(sizeof(Run) + words_ * sizeof(std::uint64_t)),
              options.runs_are_short),
      persistent_(arena.memory(), record_of(options.id)) {
  if (options.frame_max > 0)
    // The frame's beginning waits in a segment meanwhile.
    arena_.entitle(id_, sizing_.least_for(options.frame_max) + kSegmentBytes);
  attach(Sequence{options.first_sequence});
}

// Its segments stay for the next worker, or go with the memory.
Log::~Log() { arena_.withdraw(id_); }

void Log::attach(Sequence first) {
  if (persistent_->end.sequence.number == 0)
    persistent_.edit() = {0, {{}, first}, {{}, first}};  // new
  auto expected = persistent_->end.position;
  for (auto at = persistent_->first; at != 0; at = segments_.back().next()) {
    Segment segment(arena_.memory(), at - 1);
    if (!segments_.empty() && segment.start() != expected)
      throw state::Memory::Damaged("two segments do not join");
    arena_.claim(segment.extent(), id_);
    if (guarantee_used_ && segment.extent().guaranteed)
      throw state::Memory::Damaged("a log has its guarantee twice");
    guarantee_used_ |= segment.extent().guaranteed;
    has_blocks_ = has_blocks_ || segment.has_blocks();
    memory_ += segment.extent().bytes;
    expected = segment.end();
    segments_.push_back(segment);
  }
  const bool joined =
      persistent_->trimmed <= persistent_->end && expected == persistent_->end.position &&
      (segments_.empty() ? empty() : segments_.front().start() <= persistent_->trimmed.position);
  if (!joined) throw state::Memory::Damaged("a log's segments are not what its cursors say");
}

// ---- append

std::span<std::byte> Log::room(std::uint64_t frame_bytes) {
  waits_for_arena_ = false;
  if (!segments_.empty() && tail_suffices(frame_bytes)) return tail_room(frame_bytes);
  if (!segments_.empty()) sizing_.grow();
  if (!grow(frame_bytes)) return {};
  return tail_room(frame_bytes);
}

std::uint64_t Log::missing(std::uint64_t frame_bytes) const {
  const auto here = unindexed().size();
  return frame_bytes > here ? frame_bytes - here : 0;
}

std::uint32_t Log::reserve(const Segment& segment) const {
  return sizing_.reserve(segment.floor() - segment.filled());
}

// The last bytes of a large frame may use the index's reserve, because the frame needs one entry
// only.
std::span<std::byte> Log::tail_room(std::uint64_t frame_bytes) const {
  const auto& tail = segments_.back();
  const auto room = tail.room(reserve(tail));
  return room.size() >= missing(frame_bytes) ? room : tail.room(sizing_.run_bytes());
}

bool Log::tail_suffices(std::uint64_t frame_bytes) const {
  const auto& tail = segments_.back();
  const auto room = tail_room(frame_bytes).size();
  if (room == 0 || room < missing(frame_bytes)) return false;
  return tail.indexed() == 0 || room >= std::min<std::uint64_t>(kRoomLeast, tail.capacity() / 4);
}

// Makes a tail that the incomplete frame fits into, and moves there what is not indexed.
bool Log::grow(std::uint64_t frame_bytes) {
  const std::uint64_t incomplete = unindexed().size();
  const auto content = std::max(frame_bytes, incomplete);
  if (segments_.size() == 1 && empty() && segments_.front().can_rewind() &&
      !is_pinned(segments_.front().start(), segments_.front().end()) &&
      sizing_.fits(content, segments_.front().extent().bytes)) {
    learn(segments_.front());
    segments_.front().rewind(end().position, words_);
    commit();
    if (!tail_room(frame_bytes).empty()) {
      arena_.withdraw(id_);
      return true;
    }
  }
  const auto least = sizing_.least_for(content);
  auto wanted = std::max(least, sizing_.usual_for(incomplete));
  if (wanted < kSegmentBytes)
    wanted = std::bit_ceil(wanted);  // such are used again at once (Arena)
  const auto extent = borrow(wanted, least);
  if (!extent) return false;
  Segment fresh(arena_.memory(), *extent, end().position, words_);
  fresh.adopt(unindexed());
  if (!segments_.empty()) {
    learn(segments_.back());
    segments_.back().drop_incomplete();
    if (segments_.back().indexed() == 0) {
      give_back_later(segments_.back());
      segments_.pop_back();
    }
  }
  if (segments_.empty())
    persistent_.edit().first = extent->offset + 1;
  else
    segments_.back().link(fresh);
  segments_.push_back(fresh);
  drop_passed();
  commit();
  arena_.withdraw(id_);
  return true;
}

void Log::learn(const Segment& segment) {
  sizing_.learn(segment.indexed(), segment.capacity() - segment.floor());
}

std::optional<Extent> Log::borrow(std::uint64_t wanted, std::uint64_t least) {
  if (memory_ + wanted > size_max_) wanted = least;
  if (memory_ + wanted > size_max_ && !empty())
    return std::nullopt;  // full; a log without whole frames may always have one
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

// Only after the commit: until then a new worker would find the segment in use.
void Log::give_back_later(const Segment& segment) {
  const auto extent = segment.extent();
  if (is_pinned(segment.start(), segment.end())) {
    memory_ -= extent.bytes;
    pinned_.push_back({extent, segment.start(), segment.end()});
    return;
  }
  if (extent.guaranteed) guarantee_used_ = false;
  memory_ -= extent.bytes;
  passed_.push_back(extent);
}

void Log::commit() {
  arena_.memory().commit();
  for (const auto& extent : passed_) arena_.give_back(extent, id_);
  passed_.clear();
}

// ---- removal

bool Log::is_empty(const state::Memory& memory, std::size_t id) {
  const auto bytes = memory.find(record_of(id));
  if (bytes.empty()) return true;
  if (bytes.size() != sizeof(LogRecord))
    throw state::Memory::Damaged("a log's record has another size");
  const auto& record = *reinterpret_cast<const LogRecord*>(bytes.data());
  return record.trimmed == record.end;
}

void Log::remove(state::Memory& memory, std::size_t id) {
  INVARIANT(is_empty(memory, id), id);
  if (memory.has_record(record_of(id))) memory.remove_record(record_of(id));
}

std::span<std::byte> Log::same_room(std::size_t bytes) const {
  const auto room = segments_.empty() ? std::span<std::byte>() : segments_.back().room(0);
  if (room.size() < bytes) throw state::Memory::Damaged("there is no room for what was being read");
  return room.first(bytes);
}

void Log::filled(std::size_t bytes) { segments_.back().fill(static_cast<std::uint32_t>(bytes)); }

std::span<const std::byte> Log::unindexed() const {
  return segments_.empty() ? std::span<const std::byte>() : segments_.back().unindexed();
}

bool Log::add_run(std::size_t bytes, std::uint32_t count, std::uint64_t time_ns,
                  std::uint32_t generation, std::span<const std::uint64_t> set) {
  if (!segments_.back().add_run(static_cast<std::uint32_t>(bytes), count, end().sequence, time_ns,
                                generation, set))
    return false;
  persistent_.edit().end = {end().position + bytes, end().sequence + count};
  return true;
}

bool Log::make_room_for_index() { return grow(0); }

// In one segment, whose sets are as wide as what comes.
bool Log::make_room(std::uint64_t bytes) {
  waits_for_arena_ = false;
  if (!segments_.empty() && segments_.back().free() >= bytes &&
      segments_.back().run_bytes() == sizing_.run_bytes())
    return true;
  if (!segments_.empty()) sizing_.grow();
  return grow(bytes);
}

bool Log::reserve(std::uint64_t bytes, std::uint32_t entries) {
  INVARIANT(incomplete_bytes() == 0, incomplete_bytes());
  is_reserved_ =
      bytes < UINT32_MAX && make_room(bytes + std::uint64_t{entries} * sizing_.run_bytes());
  return is_reserved_;
}

std::span<std::byte> Log::add_block(std::span<const std::byte> block, std::size_t bytes,
                                    std::uint32_t frames) {
  INVARIANT(incomplete_bytes() == 0 && frames > 0 && bytes > 0, incomplete_bytes(), frames, bytes);
  if (!make_room(block.size() + bytes + (std::size_t{frames} + 1) * sizing_.run_bytes())) return {};
  auto& tail = segments_.back();
  tail.add_block(block, end().sequence);
  persistent_.edit().end = {end().position + block.size(), end().sequence};
  has_blocks_ = true;
  return tail.room(0).first(bytes);
}

std::size_t Log::drop_incomplete() {
  ++drops_;
  arena_.withdraw(id_);
  if (segments_.empty()) return 0;
  const auto dropped = segments_.back().drop_incomplete();
  trim(trimmed());
  return dropped;
}

// ---- read

const Segment& Log::segment_at(Position position) const {
  if (!segments_.empty() && segments_.back().start() <= position) return segments_.back();
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), position,
                                      [](Position p, const Segment& s) { return p < s.start(); });
  INVARIANT(after != segments_.begin(), position.bytes, trimmed().position.bytes);
  return *std::prev(after);
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
    count += piece.end <= to
                 ? piece.count
                 : to.sequence - piece.begin.sequence;  // inside a run every frame is wanted
    return piece.end < to;
  });
  return count;
}

std::optional<std::uint64_t> Log::time_of_next(Cursor from, std::size_t bit) const {
  auto at = from.position;
  for (std::uint32_t looked = 0; at < end().position && looked < kLookMost; ++looked) {
    const Segment& segment = segment_at(at);
    const auto start = segment.start();
    const auto r = segment.find_run(static_cast<std::uint32_t>(at - start), segment.runs());
    if (r == segment.runs()) return std::nullopt;
    if (segment.run_wants(r, bit)) return segment.run(r).time_ns;
    at = start + segment.run(r).end;
  }
  return std::nullopt;
}

// The block stands before the first frame that it describes, in the same segment.
Log::Described Log::block_of(Cursor frame) const {
  if (!has_blocks_ || !(frame < end())) return {};
  const Segment& segment = segment_at(frame.position);
  const auto here =
      segment.find_run(static_cast<std::uint32_t>(frame.position - segment.start()), 0);
  for (auto r = std::min(here + 1, segment.runs()); r > 0; --r) {
    const Run& run = segment.run(r - 1);
    const auto i = frame.sequence.number - run.first_sequence;
    if (i >= kBlockMessagesMax) break;
    if (run.count > 0) continue;
    return {{segment.data() + run.begin, run.end - run.begin}, static_cast<std::uint32_t>(i)};
  }
  return {};
}

std::span<const std::byte> Log::fields_of(Cursor frame) const {
  const auto described = block_of(frame);
  const auto block = MetaBlock::read(described.block);
  return block && described.frame < block->count() ? block->fields(described.frame)
                                                   : std::span<const std::byte>();
}

// ---- trim

void Log::trim(Cursor lowest) {
  INVARIANT(trimmed() <= lowest && lowest <= end(), trimmed().position.bytes, lowest.position.bytes,
            end().position.bytes);
  persistent_.edit().trimmed = lowest;
  drop_passed();
  if (segments_.size() == 1 && empty() && unindexed().empty() && !is_reserved_) {
    // It held little: the source is not busy, and smaller segments leave more for others.
    if (segments_.front().filled() < segments_.front().capacity() / 4) sizing_.shrink();
    give_back_later(segments_.front());
    segments_.clear();
    has_blocks_ = false;
    persistent_.edit().first = 0;
  }
  commit();
}

void Log::pin(std::size_t reader, Position begin, Position end) {
  pins_.push_back({reader, begin, end});
}

void Log::unpin(std::size_t reader) {
  std::erase_if(pins_, [&](const Pin& pin) { return pin.reader == reader; });
  std::erase_if(pinned_, [&](const Pinned& pinned) {
    if (is_pinned(pinned.start, pinned.end)) return false;
    if (pinned.extent.guaranteed) guarantee_used_ = false;
    arena_.give_back(pinned.extent, id_);
    return true;
  });
}

bool Log::is_pinned(Position start, Position end) const {
  return std::ranges::any_of(pins_,
                             [&](const Pin& pin) { return pin.begin < end && start < pin.end; });
}

void Log::drop_passed() {
  while (segments_.size() > 1 && segments_.front().end() <= trimmed().position) {
    persistent_.edit().first = segments_.front().next();
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
    INVARIANT(s.indexed() <= s.filled() && s.filled() <= s.floor(), s.indexed(), s.filled(),
              s.floor());
    std::uint32_t at = 0;
    for (std::uint32_t r = 0; r < s.runs(); ++r) {
      INVARIANT(s.run(r).begin == at && s.run(r).end >= at, r, s.run(r).begin, at, s.run(r).end);
      at = s.run(r).end;
    }
    INVARIANT(at == s.indexed(), at, s.indexed());
    memory += s.extent().bytes;
    before = &s;
  }
  INVARIANT(memory == memory_, memory, memory_);
  INVARIANT(segments_.empty() ? empty() : segments_.back().end() == end().position,
            end().position.bytes);
}

}  // namespace standpipe::log
