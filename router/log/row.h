// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/memory.h"

namespace standpipe::log {

// Where a Row's elements are; lies in a record.
template <std::size_t kBlocks>
struct RowHead {
  std::uint32_t first = 0;  // of the first element, counted from the first block's beginning
  std::uint32_t count = 0;
  std::uint32_t blocks[kBlocks] = {};
};

// A short sequence of Ts in the memory that outlives the worker, in blocks of a common pool: as a deque, bounded. Quick at both
// ends; in the middle it moves what is behind. Changes are noted, word by word: a head is four lines. The caller commits.
template <class T, std::size_t kBlocksMax = 96>
class Row {
  static_assert(std::is_trivially_copyable_v<T>);
  using Head = RowHead<kBlocksMax>;
  static constexpr std::size_t kPerBlock = Memory::kBlock / sizeof(T);

 public:
  static constexpr std::size_t kMax = kPerBlock * (kBlocksMax - 1);

  // In a record of that name, of which there is no other Row. Throws Memory::Damaged when what an earlier worker left there cannot
  // be.
  Row(Memory& memory, std::string_view name)
      : memory_(&memory), head_(reinterpret_cast<Head*>(memory.record(name, sizeof(Head)).data())) {
    believe();
  }

  std::size_t size() const { return head_->count; }
  bool empty() const { return head_->count == 0; }
  const T& operator[](std::size_t i) const { return *at(i); }
  const T& front() const { return *at(0); }
  const T& back() const { return *at(size() - 1); }
  T& edit(std::size_t i) {
    memory_->note(at(i), sizeof(T));
    return *at(i);
  }

  void push_back(const T& value) {
    INVARIANT(size() < kMax, size());
    const auto slot = head_->first + head_->count;
    if (slot % kPerBlock == 0) noted(head_->blocks[slot / kPerBlock]) = memory_->take_block();
    ++noted(head_->count);
    edit(size() - 1) = value;
  }
  void pop_front() {
    ++noted(head_->first);
    --noted(head_->count);
    if (empty()) return clear();
    if (head_->first < kPerBlock) return;
    memory_->give_block(head_->blocks[0]);
    auto& blocks = noted(head_->blocks);
    std::memmove(blocks, blocks + 1, sizeof blocks - sizeof blocks[0]);
    blocks[kBlocksMax - 1] = 0;
    noted(head_->first) -= static_cast<std::uint32_t>(kPerBlock);
  }
  void pop_back() {
    --noted(head_->count);
    if (empty()) return clear();
    const auto end = head_->first + head_->count;
    if (end % kPerBlock != 0) return;
    memory_->give_block(head_->blocks[end / kPerBlock]);
    noted(head_->blocks[end / kPerBlock]) = 0;
  }
  void insert(std::size_t i, const T& value) {
    push_back(value);
    for (auto at = size() - 1; at > i; --at) edit(at) = (*this)[at - 1];
    edit(i) = value;
  }
  void truncate(std::size_t count) {
    while (size() > count) pop_back();
  }
  void clear() {
    for (std::size_t i = 0; i < kBlocksMax && head_->blocks[i]; ++i) {
      memory_->give_block(head_->blocks[i]);
      noted(head_->blocks[i]) = 0;
    }
    noted(head_->first) = 0;
    noted(head_->count) = 0;
  }

 private:
  // It begins in its first block, and has all that it needs and no others, which nobody else has.
  void believe() const {
    const auto end = std::size_t{head_->first} + head_->count;
    if (head_->first >= kPerBlock || head_->count > kMax || (head_->count == 0 && end > 0))
      throw Memory::Damaged("a row is longer than it can be");
    for (std::size_t b = 0; b < kBlocksMax; ++b) {
      if ((head_->blocks[b] != 0) != (b * kPerBlock < end)) throw Memory::Damaged("a row has not the blocks that it needs");
      if (head_->blocks[b]) memory_->claim_block(head_->blocks[b]);
    }
  }
  T* at(std::size_t i) const {
    const auto slot = head_->first + i;
    return reinterpret_cast<T*>(memory_->block(head_->blocks[slot / kPerBlock])) + slot % kPerBlock;
  }

  template <class Part>
  Part& noted(Part& part) {
    memory_->note(&part, sizeof part);
    return part;
  }

  Memory* memory_;
  Head* head_;
};

}  // namespace standpipe::log
