// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "state/memory.h"

namespace standpipe::log {

// How much all logs may have together, and how many there are: of each configuration that follows
// on one memory.
struct ArenaBudget {
  std::uint64_t memory_max = 0;
  std::size_t logs = 1;
};

// A range of the arena.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool guaranteed = false;
};

// The memory of all logs: the last part of Memory. At most `memory_max` of it is lent; addresses
// are plentiful (8 x memory_max), so that fragmentation hardly ever refuses what the budget allows.
// Who holds what is not stored: each log knows its extents and claims them from the arena of the
// next worker.
//
// Two kinds of budget, so that one log that stands still cannot starve the others:
//   - each log is guaranteed one extent of guaranteed_bytes(), at any time;
//   - the rest is shared. Of that each log is entitled to its largest frame, or to an even share of
//     three quarters of it, if that is less; what the others are entitled to and do not have is
//     lent to nobody. So whatever logs that stand still hold (their readers are dead), a frame
//     within its log's entitlement finds place, and at once. All else is first come, first served.
//     Requests larger than a segment queue up in turn; while one waits, ordinary requests get at
//     most a quarter of the shared part.
//   - a frame larger than its log's entitlement may use what others are entitled to, if its log
//     holds a segment besides at most. So a log that stands still keeps the room of one such frame
//     from the others, and no more.
// Returned extents stay touched (of the usual sizes at most kHotBytes, of larger ones as much
// again, and within memory_max with all that is lent out) and are lent again last in, first out,
// because memory that is still in the cache is twice as fast, and fresh pages cost more than what
// is copied to them; all others are given back to the kernel at once. A large one serves for what
// is up to a fifth smaller.
//
// One thread. Extents stay mapped at the same address until released.
class Arena {
 public:
  static constexpr std::uint64_t kHotBytes = 4 * 1024 * 1024;

  // The guarantee of one log is at most that: one FIFO's default capacity.
  static constexpr std::uint64_t kGuaranteeMost = 64 * 1024;

  // Throws Failure when memory_max cannot hold the guarantees. Logs are numbered by their slots
  // (state/directory.h), which may be any of the plan's.
  Arena(state::Memory& memory, const ArenaBudget& budget);
  // One more log, which gets its guarantee out of what is shared, if there is enough for that.
  bool has_room_for_log() const;
  void add_log();
  // As large as the memory was planned for.
  explicit Arena(state::Memory& memory)
      : Arena(memory, {memory.plan().memory_max, memory.plan().logs}) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::uint64_t guaranteed_bytes() const { return guaranteed_bytes_; }
  static std::uint64_t guaranteed_bytes_for(std::uint64_t memory_max, std::size_t logs);
  std::uint64_t shared_bytes() const { return shared_max_; }
  std::uint64_t shared_used() const { return shared_used_; }

  // The largest frame of log `who`, with all that it needs.
  void entitle(std::size_t who, std::uint64_t bytes);
  std::uint64_t entitlement(std::size_t who) const { return shares_[who].entitled; }

  // Always granted; log `who` (from 0) holds at most one of these at a time.
  Extent lend_guaranteed(std::size_t who) const;
  // `who` is the log that asks. nullopt: not now; ask again when memory has been released. A large
  // request keeps its turn until it is met or `withdraw` is called. `most`: a hot one at hand may
  // be larger, up to that.
  std::optional<Extent> lend(std::uint64_t bytes, std::size_t who,
                             std::uint64_t most = ~std::uint64_t{0});
  void withdraw(std::size_t who);
  // From now on only addresses bound it: for what a stop takes out of kernel memory, a FIFO's worth
  // a log at most.
  void lift_limit() { lifted_ = true; }
  // After the commit that says so: the memory may be gone at once.
  void give_back(const Extent& extent, std::size_t who);
  // An extent that log `who` had when an earlier worker died. Throws state::Memory::Damaged when
  // that cannot be.
  void claim(const Extent& extent, std::size_t who);
  // All logs have claimed theirs: what else that worker touched goes back to the kernel.
  void forget_unclaimed();
  state::Memory& memory() const { return memory_; }

  std::byte* at(std::uint64_t offset) const { return memory_.arena().data() + offset; }
  // Grows by one whenever something was given back: tells those who wait when to ask again.
  std::uint64_t releases() const { return releases_; }
  bool large_waits() const { return !turn_.empty(); }

 private:
  // What an extent takes of the shared part. A guarantee that an earlier worker lent may be larger
  // than one is now.
  std::uint64_t charged(const Extent& extent) const {
    if (!extent.guaranteed) return extent.bytes;
    return extent.bytes > guaranteed_bytes_ ? extent.bytes - guaranteed_bytes_ : 0;
  }
  std::uint64_t unused() const {
    return shared_max_ > shared_used_ ? shared_max_ - shared_used_ : 0;
  }
  // What log `who` may have more of now, for a request of that size.
  std::uint64_t allowed_for(std::size_t who, std::uint64_t bytes) const;
  void count(std::size_t who, std::uint64_t held);
  std::optional<Extent> place(std::uint64_t bytes, std::uint64_t most);
  std::optional<Extent> place_hot(std::uint64_t bytes, std::uint64_t most);
  void keep_large(const Extent& extent);
  void drop_large();
  void cool_down(std::uint64_t hot_max);
  void free_range(std::uint64_t offset, std::uint64_t bytes);
  void punch(std::uint64_t offset, std::uint64_t bytes);

  state::Memory& memory_;
  std::uint64_t addresses_ = 0;
  std::uint64_t guaranteed_bytes_ = 0;
  std::uint64_t shared_max_ = 0;
  std::uint64_t shared_used_ = 0;
  bool lifted_ = false;
  struct Share {
    std::uint64_t entitled = 0;
    std::uint64_t held = 0;  // of the shared part
    std::uint64_t missing() const { return entitled > held ? entitled - held : 0; }
  };
  std::size_t logs_ = 0;          // that there are
  std::vector<Share> shares_;     // by log
  std::vector<bool> guarantees_;  // by log: an earlier worker had lent it, and it is claimed
  std::uint64_t missing_ = 0;     // the sum: what nobody has, and somebody may ask for
  std::uint64_t releases_ = 0;
  std::uint64_t hot_bytes_ = 0;
  std::map<std::uint64_t, std::vector<std::uint64_t>> hot_;  // bytes -> offsets, the hottest last
  std::uint64_t hot_large_bytes_ = 0;
  std::deque<Extent> hot_large_;                 // larger than a segment, the hottest last
  std::map<std::uint64_t, std::uint64_t> free_;  // offset -> bytes, no two adjacent
  std::deque<std::size_t> turn_;                 // logs that wait for a large extent
};

}  // namespace standpipe::log
