// SPDX-License-Identifier: Apache-2.0
#include "log/segment.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/invariant.h"
#include "base/limits.h"

namespace standpipe::log {
namespace {

constexpr std::uint64_t kPipePage = 4096;
// Where in its page a segment's first byte from a pipe lies, at least, and how far from the page's
// end. Zen 3 copies (rep movsb) up to twenty times slower to an address that lies 1 to 31 bytes
// after the source's place in its page, and in a pipe that place is mostly 0. Pages of a pipe are
// seldom quite full, so the place drifts by some bytes a page, either way: 512 outlasts a segment.
constexpr std::uint64_t kAside = 512;

// Bytes to leave free at a segment's front when `incomplete` bytes come first, and then those from
// the pipe.
std::uint32_t front_gap(std::uint64_t incomplete) {
  const auto place = (Segment::kHeaderBytes + incomplete) % kPipePage;
  const bool good = kAside <= place && place <= kPipePage - kAside;
  return good ? 0 : static_cast<std::uint32_t>((kPipePage + kAside - place) % kPipePage);
}
static_assert(Segment::kGapMost == 2 * kAside - 1);

}  // namespace

Segment::Segment(state::Memory& memory, const Extent& extent, Position start, std::size_t words)
    : memory_(&memory),
      head_(memory.arena().data() + extent.offset),
      base_(head_ + kHeaderBytes),
      capacity_(static_cast<std::uint32_t>(extent.bytes - kHeaderBytes)) {
  use_words(static_cast<std::uint32_t>(words));
  INVARIANT(extent.bytes <= std::numeric_limits<std::uint32_t>::max(), extent.bytes);
  INVARIANT(extent.bytes % alignof(Run) == 0, extent.bytes);
  edit() = {start.bytes, 0, extent.bytes, extent.guaranteed, 0, 0, 0, 0, words_};
}

Segment::Segment(state::Memory& memory, std::uint64_t offset)
    : memory_(&memory), head_(nullptr), base_(nullptr) {
  const auto arena = memory.arena().size();
  if (offset % state::Memory::kLine != 0 || offset >= arena || arena - offset < kSegmentBytesLeast)
    throw state::Memory::Damaged("a segment lies outside");
  head_ = memory.arena().data() + offset;
  const auto& h = header();
  if (h.extent_bytes < kSegmentBytesLeast || h.extent_bytes > arena - offset ||
      h.extent_bytes % alignof(Run) != 0 ||
      h.extent_bytes > std::numeric_limits<std::uint32_t>::max())
    throw state::Memory::Damaged("a segment has no size");
  if (h.gap > kGapMost) throw state::Memory::Damaged("a segment begins too far behind its header");
  if (h.words == 0 || h.words > kWordsMost)
    throw state::Memory::Damaged("a segment's sets have no size");
  use_words(h.words);
  base_ = head_ + kHeaderBytes + h.gap;
  capacity_ = static_cast<std::uint32_t>(h.extent_bytes - kHeaderBytes - h.gap);
  const bool fits = std::uint64_t{h.runs} * run_bytes_ <= capacity_ && h.indexed <= h.filled &&
                    h.filled <= floor();
  if (!fits) throw state::Memory::Damaged("a segment's index and its bytes overlap");
  validate_runs();
}

// One after the other up to what is indexed.
void Segment::validate_runs() const {
  std::uint32_t at = 0;
  for (std::uint32_t r = 0; r < runs(); ++r) {
    if (run(r).begin != at || run(r).end <= at)
      throw state::Memory::Damaged("a segment's runs do not join");
    if (run(r).count == 0) validate_block(r);
    at = run(r).end;
  }
  if (at != indexed())
    throw state::Memory::Damaged("a segment's runs end elsewhere than its index says");
}

void Segment::use_words(std::uint32_t words) {
  words_ = words;
  run_bytes_ = static_cast<std::uint32_t>(sizeof(Run) + words * sizeof(std::uint64_t));
}

// It is nobody's, and the frames that it describes are here. What it says is looked at by its
// readers.
void Segment::validate_block(std::uint32_t index) const {
  const bool is_nobodys =
      std::all_of(set_of(index), set_of(index) + words_, [](auto word) { return word == 0; });
  if (!is_nobodys) throw state::Memory::Damaged("a metadata block is for a reader");
  if (index + 1 == runs() || run(index + 1).count == 0)
    throw state::Memory::Damaged("a metadata block describes no frames");
}

SegmentHeader& Segment::edit() {
  auto* h = reinterpret_cast<SegmentHeader*>(head_);
  memory_->log_undo(h, sizeof *h);
  return *h;
}

std::uint64_t Segment::offset() const {
  return static_cast<std::uint64_t>(head_ - memory_->arena().data());
}

std::span<std::byte> Segment::room(std::uint32_t reserve) const {
  const auto limit = floor() - std::min(reserve, floor());
  if (filled() >= limit) return {};
  return {base_ + filled(), limit - filled()};
}

void Segment::fill(std::uint32_t bytes) {
  edit().filled += bytes;
  INVARIANT(filled() <= floor(), filled(), floor(), bytes);
}

bool Segment::same_as_last(std::uint32_t generation, std::uint64_t time_ns,
                           std::span<const std::uint64_t> set) const {
  if (runs() == 0) return false;
  const Run& last = run(runs() - 1);
  const auto* rest = set_of(runs() - 1) + set.size();
  return last.count > 0 && last.time_ns == time_ns && last.generation == generation &&
         std::equal(set.begin(), set.end(), set_of(runs() - 1)) &&
         std::all_of(rest, set_of(runs() - 1) + words_, [](auto word) { return word == 0; });
}

bool Segment::add_run(std::uint32_t bytes, std::uint32_t count, Sequence first,
                      std::uint64_t time_ns, std::uint32_t generation,
                      std::span<const std::uint64_t> set) {
  INVARIANT(count > 0, count);
  if (set.size() > words_) return false;
  INVARIANT(indexed() + bytes <= filled(), indexed(), bytes, filled());
  const std::uint32_t added = same_as_last(generation, time_ns, set) ? 0 : 1;
  if (added == 0) {
    auto& last = const_cast<Run&>(run(runs() - 1));
    memory_->log_undo(&last, sizeof last);
    last.count += count;
    last.end += bytes;
  } else {
    if (filled() + run_bytes_ > floor()) return false;
    put_entry({first.number, time_ns, indexed(), indexed() + bytes, count, generation}, set);
  }
  auto& header = edit();
  header.runs += added;
  header.indexed += bytes;
  return true;
}

// Behind the index as it was committed: not logged. The header tells of it.
void Segment::put_entry(const Run& entry, std::span<const std::uint64_t> set) {
  auto* at = const_cast<std::byte*>(slot(runs()));
  std::memcpy(at, &entry, sizeof entry);
  if (!set.empty()) std::memcpy(at + sizeof entry, set.data(), set.size_bytes());
  std::memset(at + sizeof entry + set.size_bytes(), 0,
              words_ * sizeof(std::uint64_t) - set.size_bytes());
}

void Segment::add_block(std::span<const std::byte> block, Sequence next) {
  const auto bytes = static_cast<std::uint32_t>(block.size());
  INVARIANT(indexed() == filled() && filled() + bytes + run_bytes_ <= floor(), indexed(), filled(),
            bytes, floor());
  std::memcpy(base_ + filled(), block.data(), bytes);
  put_entry({next.number, 0, indexed(), indexed() + bytes, 0, 0}, {});
  auto& header = edit();
  header.filled += bytes;
  header.indexed += bytes;
  ++header.runs;
}

bool Segment::has_blocks() const {
  for (std::uint32_t r = 0; r < runs(); ++r)
    if (run(r).count == 0) return true;
  return false;
}

std::uint32_t Segment::find_run(std::uint32_t offset, std::uint32_t guess) const {
  if (guess < runs() && run(guess).begin <= offset)
    for (auto r = guess; r < std::min(guess + 4, runs()); ++r)
      if (offset < run(r).end) return r;
  std::uint32_t low = 0;
  std::uint32_t high = runs();
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (run(middle).end <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::uint32_t Segment::drop_incomplete() {
  const auto dropped = filled() - indexed();
  if (dropped) edit().filled = indexed();
  return dropped;
}

void Segment::leave_gap(std::uint32_t bytes) {
  edit().gap = bytes;
  base_ = head_ + kHeaderBytes + bytes;
  capacity_ = static_cast<std::uint32_t>(header().extent_bytes - kHeaderBytes - bytes);
}

// Until the commit, what is left must also remain where it was.
bool Segment::can_rewind() const {
  const auto rest = filled() - indexed();
  return indexed() > 0 && front_gap(rest) + rest <= header().gap + indexed();
}

void Segment::rewind(Position start, std::size_t words) {
  INVARIANT(can_rewind(), indexed(), filled());
  const auto rest = unindexed();
  leave_gap(front_gap(rest.size()));
  std::memcpy(base_, rest.data(), rest.size());
  auto& h = edit();
  h.filled -= h.indexed;
  h.indexed = h.runs = 0;
  h.start = start.bytes;
  h.words = static_cast<std::uint32_t>(words);
  use_words(h.words);
}

void Segment::adopt(std::span<const std::byte> bytes) {
  leave_gap(front_gap(bytes.size()));
  INVARIANT(filled() == 0 && bytes.size() <= floor(), filled(), bytes.size(), floor());
  if (!bytes.empty()) std::memcpy(base_, bytes.data(), bytes.size());
  edit().filled = static_cast<std::uint32_t>(bytes.size());
}

}  // namespace standpipe::log
