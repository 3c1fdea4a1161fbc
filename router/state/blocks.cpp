// SPDX-License-Identifier: Apache-2.0
#include "state/blocks.h"

#include <cstring>

#include "base/invariant.h"
#include "state/damaged.h"

namespace standpipe::state {

Blocks::Blocks(UndoLog& undo, BlocksRecord& record, std::byte* begin, std::uint32_t blocks,
               bool recovered)
    : undo_(undo), record_(&record), begin_(begin), blocks_(blocks) {
  if (recovered)
    validate();
  else
    record_->used = 1;
}

void Blocks::validate() {
  if (record_->used == 0 || record_->used > blocks_ || record_->free >= record_->used)
    throw Damaged("its blocks do not add up");
  claimed_.resize(record_->used);
  std::uint32_t count = 0;
  for (auto b = record_->first; b != 0; ++count) {
    if (b >= record_->used || claimed_[b]) throw Damaged("its list of free blocks is not a list");
    claimed_[b] = true;
    std::memcpy(&b, at(b), sizeof b);
  }
  if (count != record_->free) throw Damaged("its free blocks do not add up");
}

std::uint32_t Blocks::allocate() {
  undo_.log_undo(record_, sizeof *record_);
  if (const auto taken = record_->first) {
    std::memcpy(&record_->first, at(taken), sizeof record_->first);
    --record_->free;
    if (taken < claimed_.size()) claimed_[taken] = false;
    return taken;
  }
  INVARIANT(record_->used < blocks_, blocks_);
  if (!claimed_.empty()) claimed_.push_back(false);
  return record_->used++;
}

void Blocks::release(std::uint32_t block) {
  undo_.log_undo(record_, sizeof *record_);
  undo_.log_undo(at(block), sizeof record_->first);
  std::memcpy(at(block), &record_->first, sizeof record_->first);
  record_->first = block;
  if (block < claimed_.size()) claimed_[block] = true;
  ++record_->free;
}

void Blocks::check(std::uint32_t block) const {
  if (block >= record_->used) throw Damaged("there is no such block");
}

void Blocks::claim(std::uint32_t block) {
  if (claimed_.empty()) return;
  if (block >= claimed_.size() || claimed_[block]) throw Damaged("two deques have the same block");
  claimed_[block] = true;
}

}  // namespace standpipe::state
