// SPDX-License-Identifier: Apache-2.0
#include "log/segment.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/invariant.h"

namespace standpipe::log {

Segment::Segment(const Extent& extent, std::byte* base, Position start, std::size_t words)
    : extent_(extent),
      base_(base),
      start_(start),
      capacity_(static_cast<std::uint32_t>(extent.bytes)),
      run_bytes_(static_cast<std::uint32_t>(sizeof(Run) + words * sizeof(std::uint64_t))),
      words_(static_cast<std::uint32_t>(words)) {
  INVARIANT(extent.bytes <= std::numeric_limits<std::uint32_t>::max(), extent.bytes);
  INVARIANT(extent.bytes % alignof(Run) == 0, extent.bytes);
}

std::span<std::byte> Segment::room(std::uint32_t reserve) const {
  const auto limit = floor() - std::min(reserve, floor());
  if (filled_ >= limit) return {};
  return {base_ + filled_, limit - filled_};
}

void Segment::fill(std::uint32_t bytes) {
  filled_ += bytes;
  INVARIANT(filled_ <= floor(), filled_, floor(), bytes);
}

std::uint64_t* Segment::set_of(std::uint32_t index) const {
  return reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(slot(index)) + sizeof(Run));
}

bool Segment::same_as_last(std::uint32_t generation, std::uint64_t time_ns, std::span<const std::uint64_t> set) const {
  if (runs_ == 0) return false;
  const Run& last = run(runs_ - 1);
  return last.time_ns == time_ns && last.generation == generation && std::equal(set.begin(), set.end(), set_of(runs_ - 1));
}

bool Segment::add_run(std::uint32_t bytes, std::uint32_t count, Sequence first, std::uint64_t time_ns, std::uint32_t generation,
                      std::span<const std::uint64_t> set) {
  INVARIANT(set.size() == words_ && count > 0, set.size(), words_, count);
  INVARIANT(indexed_ + bytes <= filled_, indexed_, bytes, filled_);
  if (same_as_last(generation, time_ns, set)) {
    auto& last = const_cast<Run&>(run(runs_ - 1));
    last.count += count;
    last.end += bytes;
  } else {
    if (filled_ + run_bytes_ > floor()) return false;
    auto* at = const_cast<std::byte*>(slot(runs_));
    const Run entry{first.number, time_ns, indexed_, indexed_ + bytes, count, generation};
    std::memcpy(at, &entry, sizeof entry);
    std::memcpy(at + sizeof entry, set.data(), set.size_bytes());
    ++runs_;
  }
  indexed_ += bytes;
  return true;
}

bool Segment::run_wants(std::uint32_t index, std::size_t bit) const { return (set_of(index)[bit / 64] >> (bit % 64)) & 1; }

std::uint32_t Segment::find_run(std::uint32_t offset) const {
  std::uint32_t low = 0;
  std::uint32_t high = runs_;
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (run(middle).end <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::uint32_t Segment::drop_unindexed() {
  const auto dropped = filled_ - indexed_;
  filled_ = indexed_;
  return dropped;
}

void Segment::rewind(Position start) {
  std::memmove(base_, base_ + indexed_, filled_ - indexed_);
  filled_ -= indexed_;
  indexed_ = 0;
  runs_ = 0;
  start_ = start;
}

void Segment::adopt(std::span<const std::byte> bytes) {
  INVARIANT(filled_ == 0 && bytes.size() <= floor(), filled_, bytes.size(), floor());
  if (!bytes.empty()) std::memcpy(base_, bytes.data(), bytes.size());
  filled_ = static_cast<std::uint32_t>(bytes.size());
}

}  // namespace standpipe::log
