// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "state/blocks.h"
#include "state/damaged.h"
#include "state/records.h"
#include "state/shared_header.h"
#include "state/undo_log.h"

namespace standpipe::state {

// The system call of the message's journey that is in progress, if its result could not be found
// from outside after a kill.
enum class Step : std::uint32_t { none = 0, accept = 1, discard = 2, push = 3 };

// How much a hub needs at most, over all the configurations that follow each other on one memory.
// All of it is address space; what is never touched costs nothing.
struct MemoryPlan {
  std::uint64_t memory_max = 0;  // bytes of messages
  std::size_t logs = 1;
  std::size_t deliveries = 1;
  std::size_t handlers = 1;
  std::size_t outputs = 16;
  std::size_t queues = 0;  // on disk: each has a log and a delivery besides

  // What a configuration needs, and room for others that follow it on the same memory: about as
  // much again.
  static MemoryPlan with_room(const MemoryPlan& needs);
  // What of `needs` is more than this has, for people; empty: all of it finds room.
  std::string lacks(const MemoryPlan& needs) const;
  bool operator==(const MemoryPlan&) const = default;
};

// The worker's state in memory that outlives it: one memfd, held by the keeper and mapped by one
// worker after the other. FORMAT.md describes its layout. It is changed in place, and each change
// is first logged in an undo log (undo_log.h), so a new worker finds the state of the last commit.
//
// What can be derived is not stored. Words that a plugin's thread or the keeper writes (flights,
// watches) are "plain": they lie in lines of their own and are never logged.
//
// One thread, but for plain words. Addresses stay the same until destroyed.
class Memory {
 public:
  static constexpr std::size_t kLine = UndoLog::kLine;
  static constexpr std::size_t kBlock = Blocks::kBytes;
  using Damaged = state::Damaged;

  // New and empty. Throws Failure when the kernel gives none.
  explicit Memory(const MemoryPlan& plan);
  // What an earlier worker left; `recovered()`. Throws Damaged when it is inconsistent.
  explicit Memory(Fd memory);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  bool recovered() const { return mapped_.recovered; }
  int fd() const { return mapped_.fd.get(); }
  SharedHeader& shared() const;
  std::span<Watch> watches() const;
  const MemoryPlan& plan() const { return mapped_.plan; }
  std::span<std::byte> arena() const {
    return {mapped_.base + layout().arena, layout().arena_bytes};
  }
  std::uint64_t arena_offset() const { return layout().arena; }

  // ---- changing
  // These bytes are about to change.
  void log_undo(const void* at, std::size_t bytes) { undo_.log_undo(at, bytes); }
  // Makes everything logged since the last commit final for a new worker.
  void commit();
  bool pending() const { return undo_.pending(); }
  // Counts up with each commit.
  std::uint64_t transaction() const { return undo_.transaction(); }

  // ---- plain words
  // What a crashing thread was at (deliver/culprit.h); 0: it did not say.
  std::uint64_t& culprit() const;
  // Something became final: the keeper gives up only after deaths with none between.
  void count_progress();

  // ---- the system call in progress. Nothing is pending when one begins; it ends with the commit
  // of its result.
  void begin(Step step, std::size_t index, std::uint64_t bytes = 0);
  void moved(std::uint64_t bytes);
  void end();  // logged; commit follows
  Step step() const;
  std::size_t step_index() const;
  std::uint64_t step_moved() const;

  // ---- records: found by name, or made (zeroed) with what they hold. Throws Failure when there is
  // no room.
  std::span<std::byte> record(std::string_view name, std::size_t bytes) {
    return records_.find_or_make(name, bytes);
  }
  // One whose words others write, too: never logged.
  std::span<std::byte> plain_record(std::string_view name, std::size_t bytes) {
    return record(name, bytes);
  }
  std::span<const std::byte> find(std::string_view name) const {
    return records_.find(name);
  }  // empty: there is none
  bool has_record(std::string_view name) const { return records_.contains(name); }
  // What holds it stands elsewhere then: before anybody has found it.
  void rename_record(std::string_view name, std::string_view to) { records_.rename(name, to); }
  // Nobody uses it any more: its place serves again after the commit.
  void remove_record(std::string_view name) { records_.remove(name); }
  // Names of all records that begin so, in the order in which they were made.
  std::vector<std::string> records(std::string_view prefix) const { return records_.names(prefix); }

  // ---- blocks of kBlock bytes for PersistentDeques; number 0 is none
  std::uint32_t allocate_block() { return blocks_.allocate(); }
  void release_block(std::uint32_t block) { blocks_.release(block); }
  void claim_block(std::uint32_t block) { blocks_.claim(block); }
  void check_block(std::uint32_t block) const { blocks_.check(block); }
  std::byte* block(std::uint32_t number) const { return blocks_.at(number); }
  std::size_t free_blocks() const { return blocks_.free(); }

 private:
  Memory(std::uint64_t bytes, Fd&& memory);

  struct Header;
  // Where its parts begin.
  struct Layout {
    explicit Layout(const MemoryPlan& plan);
    std::uint64_t watches, undo, undo_bytes, records, records_bytes, blocks, arena, arena_bytes,
        bytes;
    std::uint32_t block_count;
  };
  // The memfd and where it is mapped.
  struct Mapped {
    Mapped(Fd memory, const MemoryPlan& plan, std::uint64_t bytes, bool is_recovered);
    ~Mapped();
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    Header& header() const { return *reinterpret_cast<Header*>(base); }
    Fd fd;
    std::uint64_t bytes;
    std::byte* base;
    MemoryPlan plan;
    Layout layout;
    bool recovered;
  };
  static Fd make(const MemoryPlan& plan);
  static std::uint64_t size_of(const Fd& memory);
  const Layout& layout() const { return mapped_.layout; }
  Header& header() const { return mapped_.header(); }
  std::span<std::byte> part(std::uint64_t offset, std::uint64_t bytes) const {
    return {mapped_.base + offset, bytes};
  }
  UndoLog undo_log() const;
  UndoLog rolled_back() const;
  void write_header() const;

  Mapped mapped_;
  UndoLog undo_;
  Records records_;
  Blocks blocks_;
};

}  // namespace standpipe::state
