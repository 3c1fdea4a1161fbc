// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/invariant.h"
#include "keeper/shared_header.h"

namespace standpipe::log {

// The system call of the journey that is in progress, if its result could not be told from the outside after a kill.
enum class Step : std::uint32_t { none = 0, accept = 1, discard = 2, push = 3 };

// Records that others write, too, at any time; their names begin so.
constexpr std::string_view kCallRecords = "call/";
constexpr std::string_view kCrashRecord = "crash";

// How much a hub needs at most. All of it is address space; what is never touched costs nothing.
struct MemoryPlan {
  std::uint64_t memory_max = 0;  // bytes of messages
  std::size_t logs = 1;
  std::size_t deliveries = 1;
  std::size_t handlers = 1;
  bool operator==(const MemoryPlan&) const = default;
};

// What a worker knows, in memory that outlives it: one memfd, held by the keeper, mapped by one worker after the other. FORMAT.md
// has its layout.
//
// It is changed in place. `note` saves what is about to change in a journal of old values; `commit` forgets the journal by one
// store. A new worker first writes the old values back, so it finds what the last commit left, whichever instruction the old one
// died at. (A second copy of everything and a flipped word would do as well, and would bend every structure; a journal of new
// values would need two copies of each to read.) Only a process's death is in question, never the machine's: stores count in
// program order.
//
// What can be derived is not kept here. Words that a plugin's thread or the keeper writes (flight records, watches) are "plain":
// in lines of their own, never noted.
//
// One thread, but for plain words. Addresses stay the same until destroyed.
class Memory {
 public:
  static constexpr std::size_t kLine = 128;        // what is saved at a time, bytes
  static constexpr std::size_t kBlock = 2 * 1024;  // what Rows grow by, bytes

  // New and empty. Throws Failure when the kernel gives none.
  explicit Memory(const MemoryPlan& plan);
  // What an earlier worker left; `recovered()`. Throws Damaged when it is not to be believed.
  explicit Memory(Fd memory);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  struct Damaged : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  bool recovered() const { return recovered_; }
  int fd() const { return memory_.get(); }
  keeper::SharedHeader& shared() const;
  std::span<keeper::Watch> watches() const;
  const MemoryPlan& plan() const { return plan_; }
  std::span<std::byte> arena() const { return {base_ + arena_offset_, arena_bytes_}; }
  std::uint64_t arena_offset() const { return arena_offset_; }

  // ---- changing
  // These bytes are about to change.
  void note(const void* at, std::size_t bytes) {
    const auto first = offset_of(at) / kLine, last = (offset_of(at) + bytes - 1) / kLine;
    for (auto line = first; line <= last; ++line)
      if (const auto& seen = seen_[line % seen_.size()]; seen.line != line || seen.transaction != transaction_) save(line);
  }
  // What was noted since the last commit becomes what a new worker finds.
  void commit();
  bool pending() const;

  // ---- plain words
  // What a crashing thread was at (deliver/culprit.h); 0: it did not say.
  std::uint64_t& culprit() const;
  // Something became final: deaths with none between are in vain.
  void count_progress();

  // ---- the system call in progress. Nothing is pending when one begins; it ends with the commit of its result.
  void begin(Step step, std::size_t index, std::uint64_t bytes = 0);
  void moved(std::uint64_t bytes);
  void end();  // noted; commit follows
  Step step() const;
  std::size_t step_index() const;
  std::uint64_t step_moved() const;

  // ---- records: found by name, or made (zeroed) with what they hold. Throws Failure when there is no room.
  std::span<std::byte> record(std::string_view name, std::size_t bytes);
  std::span<const std::byte> find(const std::string& name) const;  // empty: there is none
  bool has_record(std::string_view name) const { return records_.contains(std::string(name)); }
  // Names of all records that begin so, in the order in which they were made.
  std::vector<std::string> records(std::string_view prefix) const;

  // ---- blocks of kBlock bytes for Rows; number 0 is none
  std::uint32_t take_block();
  void give_block(std::uint32_t block);
  // A row of an earlier worker has it. Throws Damaged when that cannot be.
  void claim_block(std::uint32_t block);
  std::byte* block(std::uint32_t number) const { return base_ + blocks_offset_ + std::size_t{number} * kBlock; }
  std::size_t free_blocks() const;

 private:
  struct Header;
  struct Entry;
  Header& header() const;
  std::uint64_t offset_of(const void* at) const { return static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - base_); }
  void lay_out();
  void map(std::uint64_t bytes);
  void save(std::uint64_t line);
  void roll_back();
  void believe();
  void read_records();
  void check_shadow();

  MemoryPlan plan_;
  bool recovered_ = false;
  Fd memory_;
  std::byte* base_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint64_t watches_offset_ = 0, undo_offset_ = 0, records_offset_ = 0, blocks_offset_ = 0, arena_offset_ = 0;
  std::uint64_t undo_bytes_ = 0, records_bytes_ = 0, arena_bytes_ = 0;
  std::uint32_t blocks_ = 0;

  // Lines that this transaction has saved already; a forgotten one is saved twice, which does no harm.
  struct Seen {
    std::uint64_t line = 0;
    std::uint64_t transaction = 0;
  };
  std::array<Seen, 1024> seen_{};
  std::uint64_t transaction_ = 1;
  struct Place {
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  std::unordered_map<std::string, Place> records_;
  std::vector<bool> claimed_;  // blocks that an earlier worker left, and of which it is known who has them
  std::vector<std::string> order_;
#ifndef NDEBUG
  std::vector<std::byte> shadow_;  // the records as of the last commit: whatever differs must have been noted
  std::vector<std::uint64_t> saved_;
  std::vector<Place> plain_;
#endif
 public:
  // A record whose words others write, too: never noted.
  std::span<std::byte> plain_record(std::string_view name, std::size_t bytes);
};

// One value in the memory: read by `->`, changed by `edit`.
template <class T>
class Kept {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Kept(Memory& memory, T* at) : memory_(&memory), at_(at) {}
  Kept(Memory& memory, std::string_view name, std::size_t behind = 0)
      : Kept(memory, reinterpret_cast<T*>(memory.record(name, sizeof(T) + behind).data())) {}

  const T& operator*() const { return *at_; }
  const T* operator->() const { return at_; }
  // For one statement; do not keep it over a commit.
  T& edit() {
    memory_->note(at_, sizeof(T));
    return *at_;
  }

 private:
  Memory* memory_;
  T* at_;
};

}  // namespace standpipe::log
