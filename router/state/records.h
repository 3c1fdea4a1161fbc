// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "state/undo_log.h"

namespace standpipe::state {

// Records that others write, too, at any time; their names begin so.
constexpr std::string_view kCallRecords = "call/";
constexpr std::string_view kCrashRecord = "crash";

// Named pieces of the memory that outlives the worker, one after the other in one area of it
// (FORMAT.md).
//
// A record stays where it is until it is removed. What was removed is used again, but not before
// the commit that removes it: until then the undo log gives it back. Neighbours that were removed
// serve together for a record that is larger than each of them.
//
// The caller commits. One thread.
class Records {
 public:
  // `used` is the word that says how many bytes of `area` have records, removed ones included.
  // Throws Damaged when what an earlier worker left there cannot be.
  Records(UndoLog& undo, const std::byte* memory, std::span<std::byte> area, std::uint64_t& used);

  // The record of that name, which is made, all zero, when there is none. Throws Failure when there
  // is no room, and Damaged when it has another size.
  std::span<std::byte> find_or_make(std::string_view name, std::size_t bytes);
  std::span<const std::byte> find(std::string_view name) const;  // empty: there is none
  bool contains(std::string_view name) const { return places_.contains(std::string(name)); }
  // Names of all records that begin so, by their place: in the order in which they were made, where
  // none was removed.
  std::vector<std::string> names(std::string_view prefix) const;
  // From now on it has that name, which none has. What it holds stands elsewhere then.
  void rename(std::string_view name, std::string_view to);
  // Nobody uses what it holds any more.
  void remove(std::string_view name);

  // Before the undo log's commit: what was removed may be used again from then on.
  void before_commit();
  std::uint64_t free_bytes() const;

 private:
  struct Header;
  struct RecordRange {
    std::uint64_t begin;  // of its header, in the area
    std::uint64_t held;   // of what it holds, in the area
    std::uint64_t bytes;
  };
  void read_all();
  std::uint64_t read_one(std::uint64_t at, const Header& header);
  std::uint64_t allocate(std::uint64_t bytes);
  bool reuse_removed(std::uint64_t bytes, std::uint64_t& at);
  std::span<std::byte> add(std::string_view name, const RecordRange& place);
  void write_header(std::uint64_t at, const Header& header);
  void check_noted();

  UndoLog& undo_;
  const std::byte* memory_;
  std::span<std::byte> area_;
  std::uint64_t* used_;
  std::unordered_map<std::string, RecordRange> places_;
  std::map<std::uint64_t, std::string> order_;   // by where they begin
  std::map<std::uint64_t, std::uint64_t> free_;  // where what was removed begins, and its bytes
  std::vector<std::pair<std::uint64_t, std::uint64_t>> removed_;  // the same, since the last commit
#ifndef NDEBUG
  std::vector<std::byte> shadow_;  // as of the last commit: whatever differs must have been logged
  std::vector<std::uint64_t> made_;  // where those begin that were made since
#endif
};

}  // namespace standpipe::state
