// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/log_walker.h"

namespace standpipe::log {

// A part of a disk log that could not be read, between things that could.
struct DamagedRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;  // at least so many were there; 0: only the head of a batch
  std::string text() const;   // "1 record (60 bytes from byte 1,234 on)"
};

// What of a disk log is there.
struct Recovery {
  std::uint64_t kept = 0;                 // whole records
  std::uint64_t damaged = 0;              // records before the last whole one that are passed over
  std::uint64_t damaged_ranges = 0;       // where those are, and damaged heads of batches
  std::vector<DamagedRange> ranges = {};  // in order; the first kRangesMax of them
  std::uint64_t dropped_bytes = 0;        // after the last whole record
  std::string reason = {};                // why those are no records
  bool is_truncated = false;              // they are the beginning of some: a death leaves that
  std::string header = {};                // what was wrong with it; empty: nothing

  static constexpr std::size_t kRangesMax = 1000;
  // More is wrong than that its end is truncated.
  bool is_damaged() const {
    return damaged_ranges > 0 || !header.empty() || (dropped_bytes > 0 && !is_truncated);
  }
  // For people; empty when all is well.
  std::string text() const;
};

// Looks at all of a disk log once, and says what is there, where it ends, and what is damaged.
// Which records a damaged range had is known from the head of their batch where that is sound, and
// else from theirs. One walk; nothing is changed.
class Survey {
 public:
  Survey(LogWalker& walker, const FileHeader& header, std::uint64_t file_bytes);

  const Recovery& recovery() const { return recovery_; }
  std::uint64_t end() const { return end_; }  // after the last whole record
  const std::optional<LogWalker::Item>& last() const { return last_; }
  // The last batch is shorter than its head says: what its head must be if the file ends at end().
  struct Shortened {
    std::uint64_t offset;
    BatchHead head;
  };
  std::optional<Shortened> shortened() const;

 private:
  struct Batch {
    std::uint64_t offset = 0;  // 0: none, or not known
    std::uint64_t end = 0;
    std::uint64_t records = 0;
    std::uint64_t seen = 0;  // whole ones, and damaged ones
    bool has_gap = false;
  };

  void see(const LogWalker::Item& item);
  void see_batch(const LogWalker::Item& item);
  void see_record(const LogWalker::Item& item);
  void see_damage(const LogWalker::Item& item);
  std::uint64_t records_in_gap(const LogWalker::Item& gap);
  void close_batch();
  void see_end(LogWalker& walker, std::uint64_t file_bytes);

  Recovery recovery_;
  std::uint64_t end_;
  std::optional<LogWalker::Item> last_;
  Batch batch_, last_batch_;
  std::optional<DamagedRange> pending_;  // damage after the last whole record
};

}  // namespace standpipe::log
