// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/invariant.h"
#include "log/arena.h"
#include "log/position.h"
#include "log/segment.h"
#include "log/segment_sizing.h"
#include "state/persistent.h"

namespace standpipe::log {

struct LogOptions {
  std::size_t id = 0;  // which log of the arena: 0 .. logs - 1
  std::uint64_t size_max =
      0;  // bytes of memory that it may take; one frame larger than that is let in alone
  std::uint64_t frame_max = 0;  // bytes of its largest frame: so much memory is its own at need, as
                                // far as there is (Arena)
  std::size_t readers = 1;      // bits in the index: one for each cursor, and those that are free
  std::uint64_t first_sequence = 1;  // of a new log: its first message's number
  bool runs_are_short = false;  // content decides where frames go: leave more room for the index
};

// Frames of one run that lie together and that one reader wants.
struct Piece {
  std::span<const std::byte> bytes;  // whole frames, as they were on the wire; valid until trimmed
  Cursor begin;
  Cursor end;
  std::uint32_t count = 0;
  std::uint64_t time_ns = 0;
};

// The frames of one source, exactly as they were on the wire, for all who want them: append, read,
// trim.
//
// Appending takes several steps because the bytes come from the kernel: `room` says where to put
// them, `filled` that they came, `add_run` that they are whole frames and who wants them. Bytes of
// an incomplete frame stay after the end, invisible to readers.
//
//   trimmed <= every reader's cursor <= end          (positions; only grow)
//
// Segments are borrowed from the arena and go back when the slowest reader has passed. An empty log
// holds none. Changes are logged in the arena's Memory. The caller commits what it appends together
// with what it counts; `room`, make_room_for_index, trim and drop_incomplete commit themselves, so
// call them when no other change is half done. A log that an earlier worker left is recovered. A
// frame never spans two segments. One thread writes, reads and trims; pieces may be read from any
// thread until trimmed.
class Log {
 public:
  Log(Arena& arena, const LogOptions& options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  // Of a log that an earlier worker left and nobody has now: whether it has no whole frame, and
  // then its removal. What memory it has nobody claims. The caller commits.
  static bool is_empty(const state::Memory& memory, std::size_t id);
  static void remove(state::Memory& memory, std::size_t id);

  // ---- append
  // Where the next bytes go; empty: full, come back when something was trimmed or memory was given
  // back. `frame_bytes`: what the incomplete frame at the end will take in all (0: not known), so
  // that all of it finds place in one segment.
  std::span<std::byte> room(std::uint64_t frame_bytes);
  void filled(std::size_t bytes);
  // The next `bytes` bytes after what is filled: a part of what an earlier worker's `room` gave,
  // which it was about to fill.
  std::span<std::byte> same_room(std::size_t bytes) const;
  std::span<const std::byte> unindexed() const;
  // The first `bytes` of unindexed() are `count` frames for the readers in `set`. false: the index
  // has no room here; call make_room_for_index, then again with what is left of unindexed().
  bool add_run(std::size_t bytes, std::uint32_t count, std::uint64_t time_ns,
               std::uint32_t generation, std::span<const std::uint64_t> set);
  bool make_room_for_index();  // false: no memory now
  // Appends a metadata block and makes room for the `frames` frames that it describes, `bytes`
  // bytes, in the same segment, with room for their index, too. Returns that room: fill all of it,
  // index all frames, and only then commit. Empty: full, as from `room`, and nothing was appended.
  // Nothing may be unindexed.
  std::span<std::byte> add_block(std::span<const std::byte> block, std::size_t bytes,
                                 std::uint32_t frames);
  // Keeps room for `bytes` bytes, blocks among them, and `entries` runs in one segment, until
  // `release`: what is appended within that needs no commit of its own. false: full, as from
  // `room`. Nothing may be unindexed. Another worker has no such room.
  bool reserve(std::uint64_t bytes, std::uint32_t entries);
  void release() { is_reserved_ = false; }
  // From now on only the arena bounds it: for the end of an incomplete frame when the hub stops.
  void lift_limit() { size_max_ = ~std::uint64_t{0} / 2; }
  std::size_t drop_incomplete();
  std::uint64_t drops() const {
    return drops_;
  }  // how often: after the end, another number means other bytes

  // ---- read
  // The next frames at or after `at` that reader `bit` wants; moves `at` over those it does not
  // want. nullopt: nothing more.
  std::optional<Piece> read(Cursor& at, std::size_t bit) const;
  // The same, one after the other, while `take(const Piece&)` says true; what it says false to is
  // the next. Runs of one frame are walked ten times as fast as by `read`.
  template <class Take>
  void read_each(Cursor& at, std::size_t bit, Take take) const;
  // Frames from `from` on, and before `to`, that the reader wants; walks the index. `to` is the
  // begin or end of a wanted frame.
  std::uint64_t count_between(Cursor from, Cursor to, std::size_t bit) const;
  std::uint64_t count_from(Cursor from, std::size_t bit) const {
    return count_between(from, end(), bit);
  }

  // When the first frame at or after `from` that the reader wants was accepted, ns since 1970.
  // nullopt: it is not among the next kLookMost runs.
  static constexpr std::uint32_t kLookMost = 64;
  std::optional<std::uint64_t> time_of_next(Cursor from, std::size_t bit) const;

  // The metadata block that describes the frame there, and the frame's number in it; empty: none
  // does.
  struct Described {
    std::span<const std::byte> block = {};
    std::uint32_t frame = 0;
  };
  Described block_of(Cursor frame) const;
  // The metadata of the frame there (FieldReader reads it); empty: it has none.
  std::span<const std::byte> fields_of(Cursor frame) const;

  // ---- trim
  void trim(Cursor lowest);
  // The memory of what lies between the two stays as it is until unpin(), also when it is trimmed:
  // somebody still reads there. It does not count against the log's limit then, but is lent by the
  // arena all the same. Of this worker alone.
  void pin(std::size_t reader, Position begin, Position end);
  void unpin(std::size_t reader);

  Cursor trimmed() const { return persistent_->trimmed; }
  Cursor end() const { return persistent_->end; }
  bool empty() const { return trimmed() == end(); }
  state::Memory& keeping() const { return arena_.memory(); }
  std::size_t set_words() const { return words_; }
  std::uint64_t memory() const { return memory_; }  // bytes borrowed from the arena
  std::size_t incomplete_bytes() const { return unindexed().size(); }
  bool waits_for_arena() const {
    return waits_for_arena_;
  }  // the last `room` failed for want of shared memory, not of its own limit
  // trimmed <= end, segments in order and joined, runs inside. Walks everything.
  void check_invariants() const;

 private:
  // What outlives the worker.
  struct LogRecord {
    std::uint64_t first;  // segment's place in the arena, plus one; 0: none
    Cursor trimmed;
    Cursor end;
  };
  static std::string record_of(std::size_t id);
  void attach(Sequence first);
  bool tail_suffices(std::uint64_t frame_bytes) const;
  std::span<std::byte> tail_room(std::uint64_t frame_bytes) const;
  std::uint32_t reserve(const Segment& segment) const;
  bool make_room(std::uint64_t bytes);
  void learn(const Segment& segment);
  std::uint64_t missing(std::uint64_t frame_bytes) const;
  bool grow(std::uint64_t frame_bytes);
  std::optional<Extent> borrow(std::uint64_t wanted, std::uint64_t least);
  void give_back_later(const Segment& segment);
  bool is_pinned(Position start, Position end) const;
  void commit();
  void drop_passed();
  const Segment& segment_at(Position position) const;

  Arena& arena_;
  std::size_t id_;
  std::uint64_t size_max_;
  // Where each reader was last: runs are read one after the other, each several times.
  mutable std::vector<std::uint32_t> last_read_;
  std::size_t words_;
  SegmentSizing sizing_;
  std::uint64_t memory_ = 0;
  bool guarantee_used_ = false;
  bool has_blocks_ = false;  // or had, since it was last empty
  bool waits_for_arena_ = false;
  bool is_reserved_ = false;  // the tail stays, though it may be empty
  std::uint64_t drops_ = 0;
  state::Persistent<LogRecord> persistent_;
  std::deque<Segment> segments_;  // as linked in memory
  std::vector<Extent> passed_;    // given back with the next commit
  struct Pin {
    std::size_t reader;
    Position begin, end;
  };
  // A segment that was trimmed and is pinned.
  struct Pinned {
    Extent extent;
    Position start, end;
  };
  std::vector<Pin> pins_;
  std::vector<Pinned> pinned_;
};

template <class Take>
void Log::read_each(Cursor& at, std::size_t bit, Take take) const {
  INVARIANT(trimmed() <= at && at <= end(), trimmed().position.bytes, at.position.bytes,
            end().position.bytes);
  while (at.position < end().position) {
    const Segment& segment = segment_at(at.position);
    const auto start = segment.start();
    const auto runs = segment.runs();
    for (auto r =
             segment.find_run(static_cast<std::uint32_t>(at.position - start), last_read_[bit]);
         r < runs; ++r) {
      const Run& run = segment.run(r);
      const Cursor run_end{start + run.end, Sequence{run.first_sequence + run.count}};
      if (segment.run_wants(r, bit)) {
        const auto offset = static_cast<std::uint32_t>(at.position - start);
        last_read_[bit] = r;
        if (!take(Piece{{segment.data() + offset, run.end - offset},
                        at,
                        run_end,
                        static_cast<std::uint32_t>(run_end.sequence - at.sequence),
                        run.time_ns}))
          return;
      }
      at = run_end;
    }
  }
}

}  // namespace standpipe::log
