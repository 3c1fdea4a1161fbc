// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/reporter.h"
#include "deliver/queue_segments.h"
#include "log/disk_log.h"
#include "log/position.h"

namespace standpipe::worker {

// The segments of a queue on disk that are there, by the numbers of their first messages: how large
// each is, which part of the queue's log it has or had, and those that are open to be read. What is
// written to is its owner's, or the QueueWriter's.
//
// A segment that nobody needs any more is deleted; one that cannot be deleted is reported and
// forgotten, and the next run finds it.
//
// The loop's thread.
class QueueFiles {
 public:
  struct Segment {
    std::uint64_t bytes = 0;
    // What the queue's log has, or had, of it: positions in that.
    std::uint64_t log_begin = 0, log_end = 0;
  };

  // The reporter must outlive it.
  QueueFiles(deliver::QueueSegments segments, Reporter& reporter)
      : segments_(std::move(segments)), reporter_(reporter) {}

  const deliver::QueueSegments& segments() const { return segments_; }
  std::string path(std::uint64_t first) const { return segments_.path(first); }

  bool empty() const { return files_.empty(); }
  std::uint64_t first() const { return files_.begin()->first; }  // there is one
  std::uint64_t last() const { return files_.rbegin()->first; }  // there is one
  // The next one after that, if there is one.
  std::optional<std::uint64_t> after(std::uint64_t first) const;
  // The last one that begins at that message or before it.
  std::optional<std::uint64_t> that_has(std::uint64_t number) const;
  // Adds it where it is not there.
  Segment& operator[](std::uint64_t first) { return files_[first]; }
  // Those that a run left, with their sizes. Throws Failure.
  void find();

  std::uint64_t bytes() const { return bytes_from(0); }
  // From the one on whose first message that is.
  std::uint64_t bytes_from(std::uint64_t first) const;

  // To be read: the one that was read last stays open. Throws Failure.
  log::DiskLog& read(std::uint64_t first);
  // The same after looking through it, which tells how many messages an earlier run was through
  // with.
  log::DiskLog& open(std::uint64_t first);
  void close() { reader_.reset(); }

  // ---- one that somebody else has removed while it was written to: it can be read as long as it
  // is open
  struct Lost {
    log::DiskLog file;
    std::uint64_t first;
    log::Cursor end;  // in the queue's log, of what was fed of it
  };
  void lose(std::uint64_t first, std::optional<log::DiskLog> file, log::Cursor end);
  Lost* lost() { return lost_ ? &*lost_ : nullptr; }
  bool is_lost(std::uint64_t first) const { return lost_ && lost_->first == first; }

  // ---- the end of segments
  void forget(std::uint64_t first) { files_.erase(first); }
  void forget_all();
  void remove_before(std::uint64_t first);
  // Those before `end` of which the log, trimmed to there, has nothing: also behind one of which it
  // has something. Not `written`.
  void remove_passed(std::uint64_t end, std::uint64_t trimmed, std::uint64_t written);

 private:
  using Files = std::map<std::uint64_t, Segment>;
  void remove(Files::iterator file);

  deliver::QueueSegments segments_;
  Reporter& reporter_;
  Files files_;
  std::optional<log::DiskLog> reader_;
  std::uint64_t reader_segment_ = 0;
  std::optional<Lost> lost_;
};

}  // namespace standpipe::worker
