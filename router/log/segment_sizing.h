// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace standpipe::log {

// How large a log's next segment is, and how much of a segment stays free for its index.
//
// A log begins with a segment of one FIFO's default capacity; each further one is twice as large
// while the source is busy, up to a quarter of what the log may have, so that the front can be
// given back while the end grows. A log that was empty with little in its segment halves the next
// one again. The index's share of what is free is that of the last segment that was finished.
//
// Arithmetic on bytes alone: it knows neither the arena nor the log.
class SegmentSizing {
 public:
  // `log_bytes_max`: what the log may take. `run_bytes`: an entry of its index.
  // `runs_are_short`: leave more for the index, until a finished segment tells.
  SegmentSizing(std::uint64_t log_bytes_max, std::uint32_t run_bytes, bool runs_are_short);

  std::uint32_t run_bytes() const { return run_bytes_; }
  // Of so many free bytes, those that stay free for the index: room for 8 entries at least.
  std::uint32_t reserve(std::uint64_t free) const;
  // The smallest extent whose segment holds one frame of so many bytes and the index of it.
  std::uint64_t least_for(std::uint64_t frame_bytes) const;
  // Whether an extent of that size holds so many bytes and one entry.
  bool fits(std::uint64_t content, std::uint64_t extent_bytes) const;
  // The extent to ask for, with those bytes of an incomplete frame to move there.
  std::uint64_t usual_for(std::uint64_t incomplete) const;

  // A segment is finished: so many bytes of frames came with so many of index.
  void learn(std::uint64_t frames, std::uint64_t index);
  void grow();    // a segment did not suffice
  void shrink();  // the log is empty, and its last segment held little

 private:
  std::uint32_t run_bytes_;
  std::uint64_t frames_lately_;
  std::uint64_t index_lately_ = 1;
  std::uint64_t most_;
  std::uint64_t next_;
};

}  // namespace standpipe::log
