// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/reporter.h"
#include "deliver/delivery.h"
#include "deliver/spill.h"
#include "log/memory.h"

namespace standpipe::worker {

// The spills of one source. What earlier runs could not deliver is fed into its log before anything that waits in its FIFO; what
// this run could not deliver becomes a new one.
//
//   front, take (any number of one file), commit_fed | again: front ... until served
//
// How far it is outlives the worker, and is committed by the caller together with what it put into the log. A file goes when its
// messages are final, after the commit that says so. When the hub ends before that, the new spill has all that is left, in order,
// and the old files go when it is on the disk. So a message is twice in the files only when all is killed between two lines.
class SpillFeed {
 public:
  // `overflow`: the number of the one that this run writes to besides (overflow.h), which is not served. `handlers`: names, as the
  // source's deliveries are numbered. Says what there is, unless it `goes_on` where another worker was.
  SpillFeed(log::Memory& memory, const std::string& data_dir, const std::string& source, std::vector<std::string> handlers,
            bool goes_on, Reporter& reporter, std::uint64_t overflow = 0);
  // Asked before files are removed whose messages were passed: whether those that are not final are on the disk elsewhere.
  void before_removal(std::function<bool()> is_kept) { is_kept_ = std::move(is_kept); }

  // ---- serving
  // The next message; nullptr: all were fed. Looks no further than the first file that has one.
  const deliver::SpillReader::Message* front();
  // The next one of the same file.
  const deliver::SpillReader::Message* take();
  // Which deliveries want it: bits, as in the log's index.
  void set_of(const deliver::SpillReader::Message& message, std::span<std::uint64_t> set);
  // So many were taken and lie before `end`. Noted; commit follows.
  void note_fed(std::uint64_t count, log::Cursor end);
  // What was taken since the last note was not fed after all.
  void back();
  // Everything before that is final, and that was committed.
  void passed(log::Position trimmed);
  // Whether the FIFO's turn has come: all was fed, or the hub stops.
  bool ended() const { return files_.empty() || kept_->cut > 0; }
  // Feeds no more: what comes from now on, behind `end`, is younger than what was not fed. Commits.
  void cut(log::Position end);

  // ---- the new one
  struct Spilled {
    std::string path;  // empty: nothing was left
    std::uint64_t unfed = 0;
  };
  // Writes what the deliveries want and what was not fed; nothing may change any more. Also ends what an earlier worker began.
  // Throws Failure: then all is as it was, but that what is final of the old files is not served again.
  Spilled spill(std::span<const deliver::Delivery* const> deliveries);
  // What the deliveries want is on the disk.
  bool spilled() const { return !spilled_.empty(); }

 private:
  struct File {
    std::string path;
    std::uint64_t number;
    std::optional<deliver::SpillReader> reader;
  };
  // What outlives the worker.
  struct Record {
    std::uint64_t number;         // of the file that is being fed, or was the last
    std::uint64_t fed;            // messages of it
    std::uint64_t behind;         // position in the log behind all that was fed
    std::uint64_t cut;            // position, plus one
    std::uint64_t spill;          // number of the new one
    std::uint64_t behind_number;  // the sequence there
    std::uint64_t skipped;        // messages that were taken and not put into the log
  };

  void find(bool goes_on, std::uint64_t overflow);
  bool open(File& file);
  bool read_on();
  void end_file();
  void put_by(const std::string& path, const Failure& failure);
  void remove(const std::string& path);
  static bool is_damaged(const std::string& path);
  static std::uint64_t messages_of(const std::string& path);
  void mark_served(std::span<const deliver::Delivery* const> deliveries);
  void leave(const std::string& path, std::uint64_t fed, std::uint64_t& open);
  void say_damage(const deliver::SpillReader& reader);
  std::uint64_t copy(std::span<const deliver::Delivery* const> deliveries, std::optional<deliver::SpillWriter>& writer);
  std::uint64_t copy_unfed(std::optional<deliver::SpillWriter>& writer);
  deliver::SpillWriter& begun(std::optional<deliver::SpillWriter>& writer) const;

  log::Memory& memory_;
  std::string data_dir_, source_;
  std::vector<std::string> handlers_;
  Reporter& reporter_;
  log::Kept<Record> kept_;
  std::function<bool()> is_kept_;
  std::deque<File> files_;         // not all fed, in order
  std::vector<std::string> done_;  // fed, and not yet final
  std::optional<deliver::SpillReader::Message> ahead_;
  std::set<std::string> unknown_;  // handlers, said once
  std::set<std::string> sound_;    // files of which all could be read
  std::string spilled_;
};

}  // namespace standpipe::worker
