// SPDX-License-Identifier: Apache-2.0
#include "log/arena.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/pages.h"
#include "base/text.h"

namespace standpipe::log {

// At most half of the budget is for guarantees, and 64 KiB each (one FIFO's default capacity) is
// enough.
std::uint64_t Arena::guaranteed_bytes_for(std::uint64_t memory_max, std::size_t logs) {
  const auto share = std::bit_floor(memory_max / (2 * std::max<std::size_t>(logs, 1)));
  return std::min<std::uint64_t>(share, kGuaranteeMost);
}

Arena::Arena(state::Memory& memory, const ArenaBudget& budget)
    : memory_(memory),
      addresses_(memory.arena().size()),
      guaranteed_bytes_(guaranteed_bytes_for(budget.memory_max, budget.logs)),
      logs_(budget.logs),
      shares_(memory.plan().logs + memory.plan().queues + memory.plan().replays),
      guarantees_(shares_.size()) {
  const auto [memory_max, logs] = budget;
  if (guaranteed_bytes_ < kSegmentBytesLeast)
    throw Failure(
        "memory_max " + size_text(memory_max) + " is too small for " + counted(logs, "source"),
        "each source is guaranteed " + size_text(kSegmentBytesLeast) +
            ": set memory_max to at least " + size_text(2 * logs * kSegmentBytesLeast));
  shared_max_ = memory_max - logs * guaranteed_bytes_;
  const auto fixed =
      shares_.size() * kGuaranteeMost;  // whatever a guarantee is now: it has its place for good
  free_.emplace(fixed, addresses_ - fixed);
}

// So that the next worker, who counts it, has room for it as well.
bool Arena::has_room_for_log() const {
  const auto memory_max = shared_max_ + logs_ * guaranteed_bytes_;
  return shared_max_ >= guaranteed_bytes_ &&
         guaranteed_bytes_for(memory_max, logs_ + 1) >= kSegmentBytesLeast;
}

void Arena::add_log() {
  shared_max_ -= guaranteed_bytes_;
  ++logs_;
}

// A frame that fits into the guaranteed extent needs nothing else.
void Arena::entitle(std::size_t who, std::uint64_t bytes) {
  auto& share = shares_[who];
  missing_ -= share.missing();
  const auto even = shared_max_ / 4 * 3 / logs_;
  share.entitled = bytes > guaranteed_bytes_ ? std::min(whole_pages(bytes), even) : 0;
  missing_ += share.missing();
}

void Arena::count(std::size_t who, std::uint64_t held) {
  auto& share = shares_[who];
  missing_ -= share.missing();
  share.held = held;
  missing_ += share.missing();
}

std::uint64_t Arena::allowed_for(std::size_t who, std::uint64_t bytes) const {
  if (lifted_) return addresses_ - std::min(addresses_, shared_used_);
  const auto& share = shares_[who];
  if (share.held + bytes <= share.entitled) return unused();
  const bool large = bytes > kSegmentBytes;
  if (large && share.held <= kSegmentBytes) return unused();
  const auto others = missing_ - share.missing();
  const auto free = unused() > others ? unused() - others : 0;
  const auto quarter = shared_max_ / 4 > shared_used_ ? shared_max_ / 4 - shared_used_ : 0;
  return !large && large_waits() ? std::min(free, quarter) : free;
}

Extent Arena::lend_guaranteed(std::size_t who) const {
  return {who * kGuaranteeMost, guaranteed_bytes_, true};
}

std::optional<Extent> Arena::lend(std::uint64_t bytes, std::size_t who, std::uint64_t most) {
  bytes = whole_pages(bytes);
  const bool large = bytes > kSegmentBytes;
  if (large && std::find(turn_.begin(), turn_.end(), who) == turn_.end()) turn_.push_back(who);
  const bool entitled = shares_[who].held + bytes <= shares_[who].entitled;
  const bool my_turn = !large || lifted_ || entitled || turn_.front() == who;
  const auto allowed = allowed_for(who, bytes);
  if (!my_turn || bytes > allowed) return std::nullopt;
  const auto extent = place(bytes, std::min(allowed, std::max(most, bytes)));
  if (!extent) return std::nullopt;
  if (large) withdraw(who);
  shared_used_ += extent->bytes;
  count(who, shares_[who].held + extent->bytes);
  cool_down(unused());
  return extent;
}

void Arena::withdraw(std::size_t who) {
  const auto at = std::find(turn_.begin(), turn_.end(), who);
  if (at == turn_.end()) return;
  turn_.erase(at);
  ++releases_;  // whoever waited after may be next
}

void Arena::give_back(const Extent& extent, std::size_t who) {
  const auto bytes = charged(extent);
  if (bytes == 0)
    return;  // a guarantee: its place is its log's for good, and nobody else can use it
  ++releases_;
  INVARIANT(shared_used_ >= bytes, shared_used_, bytes);
  shared_used_ -= bytes;
  INVARIANT(shares_[who].held >= bytes, who, shares_[who].held, bytes);
  count(who, shares_[who].held - bytes);
  if (extent.guaranteed) return;
  const auto left = unused() - std::min(unused(), hot_large_bytes_);
  if (extent.bytes > kSegmentBytes) return keep_large(extent);
  if (std::has_single_bit(extent.bytes) && hot_bytes_ + extent.bytes <= std::min(kHotBytes, left)) {
    hot_[extent.bytes].push_back(extent.offset);
    hot_bytes_ += extent.bytes;
    return;
  }
  punch(extent.offset, extent.bytes);
  free_range(extent.offset, extent.bytes);
}

// The oldest large extents make room for this one, because they may never fit a request.
void Arena::keep_large(const Extent& extent) {
  const auto most = std::min(kHotBytes, unused() - std::min(unused(), hot_bytes_));
  while (!hot_large_.empty() && hot_large_bytes_ + extent.bytes > most) drop_large();
  if (extent.bytes <= most) {
    hot_large_.push_back(extent);
    hot_large_bytes_ += extent.bytes;
    return;
  }
  punch(extent.offset, extent.bytes);
  free_range(extent.offset, extent.bytes);
}

void Arena::drop_large() {
  const auto oldest = hot_large_.front();
  hot_large_.pop_front();
  hot_large_bytes_ -= oldest.bytes;
  punch(oldest.offset, oldest.bytes);
  free_range(oldest.offset, oldest.bytes);
}

std::optional<Extent> Arena::place_hot(std::uint64_t bytes, std::uint64_t most) {
  if (const auto hot = hot_.find(bytes); hot != hot_.end() && !hot->second.empty()) {
    const auto offset = hot->second.back();
    hot->second.pop_back();
    hot_bytes_ -= bytes;
    return Extent{offset, bytes, false};
  }
  if (bytes <= kSegmentBytes) return std::nullopt;
  most = std::min(most, bytes + bytes / 4);
  const auto fits = [&](const Extent& e) { return bytes <= e.bytes && e.bytes <= most; };
  const auto found = std::find_if(hot_large_.rbegin(), hot_large_.rend(), fits);
  if (found == hot_large_.rend()) return std::nullopt;
  const auto extent = *found;
  hot_large_.erase(std::next(found).base());
  hot_large_bytes_ -= extent.bytes;
  return extent;
}

// A hot extent of about that size (and of `most` at most), or the first range of addresses that is
// long enough.
std::optional<Extent> Arena::place(std::uint64_t bytes, std::uint64_t most) {
  if (const auto hot = place_hot(bytes, most)) return hot;
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    if (range->second < bytes) continue;
    const auto [offset, length] = *range;
    free_.erase(range);
    if (length > bytes) free_.emplace(offset + bytes, length - bytes);
    return Extent{offset, bytes, false};
  }
  return std::nullopt;  // scattered: seven eighths of the addresses are free, yet no gap is long
                        // enough; it passes with the next releases
}

// What is kept hot is memory, too: together with what is lent it stays within the budget.
void Arena::cool_down(std::uint64_t hot_max) {
  while (!hot_large_.empty() && hot_bytes_ + hot_large_bytes_ > hot_max) drop_large();
  for (auto& [bytes, offsets] : hot_) {
    for (; hot_bytes_ > hot_max && !offsets.empty(); hot_bytes_ -= bytes) {
      punch(offsets.back(), bytes);
      free_range(offsets.back(), bytes);
      offsets.pop_back();
    }
  }
}

void Arena::free_range(std::uint64_t offset, std::uint64_t bytes) {
  auto after = free_.lower_bound(offset);
  if (after != free_.end() && offset + bytes == after->first) {
    bytes += after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin()) {
    auto before = std::prev(after);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace(offset, bytes);
}

void Arena::claim(const Extent& extent, std::size_t who) {
  if (extent.guaranteed) {
    const bool is_its_own = extent.offset == who * kGuaranteeMost &&
                            extent.bytes <= kGuaranteeMost && !guarantees_[who];
    if (!is_its_own) throw state::Memory::Damaged("a log has what another is guaranteed");
    guarantees_[who] = true;
    shared_used_ += charged(extent);
    count(who, shares_[who].held + charged(extent));
    return;
  }
  auto range = free_.upper_bound(extent.offset);
  if (range == free_.begin()) throw state::Memory::Damaged("two logs have the same extent");
  --range;
  const auto [offset, length] = *range;
  if (extent.bytes == 0 || extent.offset + extent.bytes > offset + length)
    throw state::Memory::Damaged("two logs have the same extent");
  free_.erase(range);
  if (extent.offset > offset) free_.emplace(offset, extent.offset - offset);
  const auto end = extent.offset + extent.bytes;
  if (offset + length > end) free_.emplace(end, offset + length - end);
  shared_used_ += extent.bytes;
  count(who, shares_[who].held + extent.bytes);
}

void Arena::forget_unclaimed() {
  for (std::size_t who = 0; who < guarantees_.size();) {
    const auto begin = who;
    while (who < guarantees_.size() && !guarantees_[who]) ++who;
    if (begin < who) punch(begin * kGuaranteeMost, (who - begin) * kGuaranteeMost);
    while (who < guarantees_.size() && guarantees_[who]) ++who;
  }
  for (const auto& [offset, bytes] : free_) punch(offset, bytes);
}

void Arena::punch(std::uint64_t offset, std::uint64_t bytes) {
  // If it fails (a memfd may not support it), the pages stay and are reused, which does no harm.
  (void)::fallocate(memory_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(memory_.arena_offset() + offset), static_cast<off_t>(bytes));
}

}  // namespace standpipe::log
