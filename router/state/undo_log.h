// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_set>
#include <vector>

namespace standpipe::state {

// Makes several changes of one memory take effect together, whichever instruction the process is
// killed at.
//
// The memory is changed in place. `log_undo` saves the old bytes of what is about to change, a line
// at a time; `commit` forgets them by one store. A new worker first calls `roll_back`, which
// restores the old bytes, so it finds what the last commit left. (Two copies of everything and a
// flipped word would work too, but would constrain every structure; a redo log would need two
// copies of each to read.) It guards against the death of the process, never of the machine, so
// stores are seen in program order.
//
// The log itself lies in the same memory. One thread.
class UndoLog {
 public:
  static constexpr std::size_t kLine = 128;  // what is saved at a time, bytes

  // An old value.
  struct Entry {
    std::uint64_t line;  // its offset in the memory, in lines
    std::byte bytes[kLine];
  };

  // `used` is the word that says how many bytes of `entries` are in use. Both lie in the memory
  // that begins at `memory`.
  UndoLog(std::byte* memory, std::uint64_t& used, std::span<std::byte> entries)
      : memory_(memory), used_(&used), entries_(entries) {}

  // These bytes are about to change.
  void log_undo(const void* at, std::size_t bytes) {
    const auto offset = static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - memory_);
    const auto first = offset / kLine, last = (offset + bytes - 1) / kLine;
    for (auto line = first; line <= last; ++line)
      if (const auto& seen = seen_[line % seen_.size()];
          seen.line != line || seen.transaction != transaction_)
        save(line);
  }
  // Makes everything logged since the last commit final for a new worker.
  void commit();
  bool pending() const { return *used_ != 0; }
  // Counts up with each commit: what was freed under a lower number may be used again.
  std::uint64_t transaction() const { return transaction_; }

  // Writes the old bytes of what was not committed back. May be killed and repeated.
  // `may_change(offset)` says whether a line is one that is ever logged. Throws Damaged when the
  // log cannot be one of ours.
  void roll_back(const std::function<bool(std::uint64_t offset)>& may_change);

#ifndef NDEBUG
  // Whether that line was logged since the last commit.
  bool has_logged(std::uint64_t line) const;
#endif

 private:
  void save(std::uint64_t line);

  std::byte* memory_;
  std::uint64_t* used_;
  std::span<std::byte> entries_;
  std::uint64_t transaction_ = 1;
  // Lines that this transaction has saved already, each in the place that it shares with others;
  // and those whose places others took meanwhile. Few transactions have any: a long deque that is
  // changed at its front, which would else save each of its lines with each change, until the log
  // has no room.
  struct Seen {
    std::uint64_t line = 0;
    std::uint64_t transaction = 0;
  };
  std::array<Seen, 1024> seen_{};
  std::unordered_set<std::uint64_t> displaced_;
#ifndef NDEBUG
  std::vector<std::uint64_t> logged_;
#endif
};

}  // namespace standpipe::state
