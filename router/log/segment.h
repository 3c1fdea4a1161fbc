// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "log/arena.h"
#include "log/position.h"

namespace standpipe::log {

// Consecutive frames that were accepted together and go to the same handlers: one entry of the
// index. It lies in memory that outlives the process, so it has plain numbers only. The set of
// handlers (one bit each, `words` x 64) follows it directly.
struct Run {
  std::uint64_t first_sequence;
  std::uint64_t time_ns;  // when they were accepted, since 1970
  std::uint32_t begin;    // offsets in the segment, bytes
  std::uint32_t end;
  std::uint32_t count;       // frames; 0: a metadata block, which describes the frames after it
  std::uint32_t generation;  // of the configuration that matched them
};
static_assert(sizeof(Run) == 32);

// How far a segment is, at its extent's beginning, a line for itself.
struct SegmentHeader {
  std::uint64_t start;         // position of its first byte in the log
  std::uint64_t next;          // the next segment's place in the arena, plus one; 0: none
  std::uint64_t extent_bytes;  // with this header
  std::uint32_t guaranteed;
  std::uint32_t filled;
  std::uint32_t indexed;
  std::uint32_t runs;
  std::uint32_t gap;    // bytes left free between this header and the first byte
  std::uint32_t words;  // of the set of handlers that each run has, 64 bits each
};

// A contiguous piece of a log: a slotted page. Bytes grow from the front, the index from the back:
//
//   header | gap | 0              indexed        filled           floor        capacity
//                | whole frames  |  not indexed  |     room      | run n ... run 0 |
//
// The gap, up to kGapMost bytes, puts what comes from a pipe where the kernel copies it fast.
//
// 0 <= indexed <= filled <= floor <= capacity; runs are in order, do not overlap, and end at
// `indexed`. A frame never spans two segments: what was not indexed when a segment is full moves to
// the next one.
//
// All of it lies in memory that outlives the worker; this is a view of it. Changes are logged; the
// caller commits.
class Segment {
 public:
  static constexpr std::uint64_t kHeaderBytes = state::Memory::kLine;
  static constexpr std::uint32_t kGapMost = 1023;

  static constexpr std::uint32_t kWordsMost = 1 << 14;

  // A new one in an extent that was just lent, whose sets have that many words. A log whose readers
  // become more makes wider segments from then on; those that it has stay as they are.
  Segment(state::Memory& memory, const Extent& extent, Position start, std::size_t words);
  // One that an earlier worker made, at that place of the arena. Throws state::Memory::Damaged.
  Segment(state::Memory& memory, std::uint64_t offset);

  Extent extent() const { return {offset(), header().extent_bytes, header().guaranteed != 0}; }
  Position start() const { return {header().start}; }
  Position end() const { return start() + indexed(); }  // after the last whole frame
  std::uint64_t next() const { return header().next; }
  void link(const Segment& next) { edit().next = next.offset() + 1; }

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t filled() const { return header().filled; }
  std::uint32_t indexed() const { return header().indexed; }
  std::uint32_t runs() const { return header().runs; }
  std::uint32_t floor() const { return capacity_ - runs() * run_bytes_; }
  std::uint32_t run_bytes() const { return run_bytes_; }
  std::uint32_t free() const { return floor() - filled(); }

  const std::byte* data() const { return base_; }
  std::span<std::byte> room(std::uint32_t reserve)
      const;  // what may be filled when `reserve` bytes stay free for the index
  std::span<const std::byte> unindexed() const { return {base_ + indexed(), filled() - indexed()}; }
  void fill(std::uint32_t bytes);

  // Indexes the next `bytes` bytes as `count` frames. false: no room for another entry, or for so
  // wide a set.
  bool add_run(std::uint32_t bytes, std::uint32_t count, Sequence first, std::uint64_t time_ns,
               std::uint32_t generation, std::span<const std::uint64_t> set);
  // Puts a metadata block after what is indexed, as a run of no frames for nobody. The frames that
  // it describes follow in this segment, by the same commit.
  void add_block(std::span<const std::byte> block, Sequence next);
  bool has_blocks() const;
  const Run& run(std::uint32_t index) const { return *reinterpret_cast<const Run*>(slot(index)); }
  bool run_wants(std::uint32_t index, std::size_t bit) const {
    return bit / 64 < words_ && ((set_of(index)[bit / 64] >> (bit % 64)) & 1);
  }
  // The run that the offset lies in or, between runs, the next; runs() when there is none.
  // `guess`: it is probably this one or one of the next.
  std::uint32_t find_run(std::uint32_t offset, std::uint32_t guess) const;

  // Forgets the bytes that were not indexed (a frame that will never be whole).
  std::uint32_t drop_incomplete();
  // All whole frames were passed, and what is left is not longer than they were: moves it to the
  // front. The next frame then stands at `start`, and sets have that many words.
  void rewind(Position start, std::size_t words);
  bool can_rewind() const;
  // Takes over bytes that another segment has not indexed.
  void adopt(std::span<const std::byte> bytes);

 private:
  void use_words(std::uint32_t words);
  void leave_gap(std::uint32_t bytes);
  const std::byte* slot(std::uint32_t index) const {
    return base_ + capacity_ - std::size_t{index + 1} * run_bytes_;
  }
  const std::uint64_t* set_of(std::uint32_t index) const {
    return reinterpret_cast<const std::uint64_t*>(slot(index) + sizeof(Run));
  }
  void validate_runs() const;
  void validate_block(std::uint32_t index) const;
  void put_entry(const Run& entry, std::span<const std::uint64_t> set);
  bool same_as_last(std::uint32_t generation, std::uint64_t time_ns,
                    std::span<const std::uint64_t> set) const;

  const SegmentHeader& header() const { return *reinterpret_cast<const SegmentHeader*>(head_); }
  SegmentHeader& edit();
  std::uint64_t offset() const;

  state::Memory* memory_;
  std::byte* head_;  // of the extent: the header
  std::byte* base_;  // of the frames
  std::uint32_t capacity_;
  std::uint32_t run_bytes_;
  std::uint32_t words_;
};

}  // namespace standpipe::log
