// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "state/undo_log.h"

namespace standpipe::state {

// The pool of equal blocks from which PersistentDeques grow, in the memory that outlives the
// worker. Free blocks form a list through the blocks themselves. A released block may be allocated
// again at once, because its new owner logs what it overwrites.
//
// The caller commits. One thread.
class Blocks {
 public:
  static constexpr std::size_t kBytes = 2 * 1024;  // of a block

  // Lies in the memory, in one line.
  struct BlocksRecord {
    std::uint32_t used;   // that were ever taken; number 0 is none
    std::uint32_t first;  // the first of the list of free ones
    std::uint32_t free;   // how many those are
  };

  // `blocks` of them lie at `begin`. `recovered`: an earlier worker had them; throws Damaged when
  // that cannot be.
  Blocks(UndoLog& undo, BlocksRecord& record, std::byte* begin, std::uint32_t blocks,
         bool recovered);

  std::uint32_t allocate();
  void release(std::uint32_t block);
  // A PersistentDeque that is found in the memory has it, and nobody else. Throws Damaged when that
  // cannot be.
  void claim(std::uint32_t block);
  // Throws Damaged when there is no such block.
  void check(std::uint32_t block) const;
  std::byte* at(std::uint32_t block) const { return begin_ + std::size_t{block} * kBytes; }
  std::size_t free() const { return blocks_ - record_->used + record_->free; }

 private:
  void validate();

  UndoLog& undo_;
  BlocksRecord* record_;
  std::byte* begin_;
  std::uint32_t blocks_;
  std::vector<bool> claimed_;  // those that are free, or of which it is known who found them;
                               // empty: there was no earlier worker
};

}  // namespace standpipe::state
