// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/invariant.h"
#include "state/memory.h"

namespace standpipe::state {

// Where a PersistentDeque's elements are; lies in a record.
template <std::size_t kBlocks>
struct PersistentDequeHead {
  std::uint32_t first = 0;  // of the first element, counted from the first block's beginning
  std::uint32_t count = 0;
  std::uint32_t blocks[kBlocks] = {};
};

// A short, bounded deque of Ts in the memory that outlives the worker, in blocks of a common pool.
// It is fast at both ends; an insertion in the middle moves everything after it. Changes are logged
// word by word, because a head is four lines. The caller commits.
template <class T, std::size_t kBlocksMax = 96>
class PersistentDeque {
  static_assert(std::is_trivially_copyable_v<T>);
  using Head = PersistentDequeHead<kBlocksMax>;
  static constexpr std::size_t kPerBlock = Memory::kBlock / sizeof(T);

 public:
  static constexpr std::size_t kMax = kPerBlock * (kBlocksMax - 1);

  // In a record of that name, of which there is no other PersistentDeque. Throws Memory::Damaged
  // when what an earlier worker left there cannot be.
  PersistentDeque(Memory& memory, std::string_view name)
      : PersistentDeque(memory, memory.record(name, sizeof(Head))) {
    validate();
  }
  // One that an earlier worker left, to be changed before its owner finds it. Throws
  // Memory::Damaged when that cannot be.
  static PersistentDeque before_its_owner(Memory& memory, std::string_view name) {
    PersistentDeque deque(memory, memory.record(name, sizeof(Head)));
    deque.validate_shape();
    for (const auto block : deque.head_->blocks) memory.check_block(block);
    return deque;
  }

  std::size_t size() const { return head_->count; }
  bool empty() const { return head_->count == 0; }
  const T& operator[](std::size_t i) const { return *at(i); }
  const T& front() const { return *at(0); }
  const T& back() const { return *at(size() - 1); }
  T& edit(std::size_t i) {
    memory_->log_undo(at(i), sizeof(T));
    return *at(i);
  }

  void push_back(const T& value) {
    INVARIANT(size() < kMax, size());
    const auto slot = head_->first + head_->count;
    if (slot % kPerBlock == 0) edited(head_->blocks[slot / kPerBlock]) = memory_->allocate_block();
    ++edited(head_->count);
    edit(size() - 1) = value;
  }
  void pop_front() {
    ++edited(head_->first);
    --edited(head_->count);
    if (empty()) return clear();
    if (head_->first < kPerBlock) return;
    memory_->release_block(head_->blocks[0]);
    auto& blocks = edited(head_->blocks);
    std::memmove(blocks, blocks + 1, sizeof blocks - sizeof blocks[0]);
    blocks[kBlocksMax - 1] = 0;
    edited(head_->first) -= static_cast<std::uint32_t>(kPerBlock);
  }
  void pop_back() {
    --edited(head_->count);
    if (empty()) return clear();
    const auto end = head_->first + head_->count;
    if (end % kPerBlock != 0) return;
    memory_->release_block(head_->blocks[end / kPerBlock]);
    edited(head_->blocks[end / kPerBlock]) = 0;
  }
  void insert(std::size_t i, const T& value) {
    push_back(value);
    for (auto at = size() - 1; at > i; --at) edit(at) = (*this)[at - 1];
    edit(i) = value;
  }
  void erase(std::size_t i) {
    if (i < size() / 2) {
      for (auto at = i; at > 0; --at) edit(at) = (*this)[at - 1];
      return pop_front();
    }
    for (auto at = i; at + 1 < size(); ++at) edit(at) = (*this)[at + 1];
    pop_back();
  }
  void truncate(std::size_t count) {
    while (size() > count) pop_back();
  }
  void clear() {
    for (std::size_t i = 0; i < kBlocksMax && head_->blocks[i]; ++i) {
      memory_->release_block(head_->blocks[i]);
      edited(head_->blocks[i]) = 0;
    }
    edited(head_->first) = 0;
    edited(head_->count) = 0;
  }

 private:
  PersistentDeque(Memory& memory, std::span<std::byte> head)
      : memory_(&memory), head_(reinterpret_cast<Head*>(head.data())) {}

  void validate() const {
    validate_shape();
    for (const auto block : head_->blocks)
      if (block) memory_->claim_block(block);
  }
  // The deque starts in its first block, has exactly the blocks that it needs, and nobody else has
  // them.
  void validate_shape() const {
    const auto end = std::size_t{head_->first} + head_->count;
    if (head_->first >= kPerBlock || head_->count > kMax || (head_->count == 0 && end > 0))
      throw Memory::Damaged("a persistent deque is longer than it can be");
    for (std::size_t b = 0; b < kBlocksMax; ++b) {
      if ((head_->blocks[b] != 0) != (b * kPerBlock < end))
        throw Memory::Damaged("a persistent deque has not the blocks that it needs");
    }
  }
  T* at(std::size_t i) const {
    const auto slot = head_->first + i;
    return reinterpret_cast<T*>(memory_->block(head_->blocks[slot / kPerBlock])) + slot % kPerBlock;
  }

  template <class Part>
  Part& edited(Part& part) {
    memory_->log_undo(&part, sizeof part);
    return part;
  }

  Memory* memory_;
  Head* head_;
};

}  // namespace standpipe::state
