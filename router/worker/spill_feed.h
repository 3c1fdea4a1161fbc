// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/reporter.h"
#include "deliver/delivery.h"
#include "state/persistent.h"
#include "worker/feed.h"
#include "worker/handler_bits.h"
#include "worker/intake.h"
#include "worker/spill_files.h"
#include "worker/spill_queue.h"

namespace standpipe::worker {

// The spills of one source. What earlier runs could not deliver is fed into its log before anything
// that waits in its FIFO; what this run could not deliver becomes a new one.
//
// A turn feeds messages of one file in their order, those of one accept time and one list of
// handlers as one run. A file goes when its messages are final, after the commit that says so
// (`passed`). When the hub ends before that, the new spill has all that is left, in order, and the
// old files go when it is on the disk. So a message is twice in the files only when all is killed
// between two lines.
class SpillFeed final : public Feed {
 public:
  // Says what there is, unless it `continues` where another worker was.
  SpillFeed(state::Memory& memory, const std::string& data_dir, const std::string& source,
            HandlerBits handlers, bool continues, Reporter& reporter);
  // Asked before files are removed whose messages were passed: whether those that are not final are
  // on the disk elsewhere.
  void before_removal(std::function<bool()> is_saved_elsewhere) {
    is_saved_elsewhere_ = std::move(is_saved_elsewhere);
  }

  void recover(Intake& intake) override;
  Turn feed(Intake& intake) override;
  void passed(log::Position trimmed) override;
  // Whether the FIFO's turn has come: all was fed, or the hub stops.
  bool ended() const { return queue_.empty() || persistent_->cut > 0; }
  // Something of an earlier run is on the disk, and not final.
  bool has_files() const { return !queue_.empty() || queue_.has_fed_files(); }
  // Feeds no more: what comes from now on, after `end`, is younger than what was not fed. Commits.
  void cut(log::Position end);

  // ---- the new one
  struct Spilled {
    std::string path;  // empty: nothing was left
    std::uint64_t unfed = 0;
  };
  // Writes what the deliveries want and what was not fed; nothing may change any more. Also ends
  // what an earlier worker began. Throws Failure; then nothing has changed, except that the old
  // files say which of their messages are final.
  Spilled spill(std::span<const deliver::Delivery* const> deliveries);
  // After spill() failed: messages before this cursor are still in the old files and are
  // redelivered; those after it are in no file. The caller commits what it makes of that.
  log::Cursor comes_again_before() const;
  // What the deliveries want is on the disk.
  bool spilled() const { return !spilled_.empty(); }

 private:
  // What outlives the worker.
  struct SpillFeedRecord {
    SpillQueue::Place at;
    std::uint64_t after;         // position in the log after all that was fed
    std::uint64_t cut;           // position, plus one
    std::uint64_t spill;         // number of the new one
    std::uint64_t after_number;  // the sequence there
    std::uint64_t skipped;       // messages that were taken and not put into the log
    std::uint64_t left;          // there was no room for a new one: the old ones stay as they are
  };

  void find(bool continues);
  bool feed_next(Intake& intake);
  bool feed_described(Intake& intake);
  bool feed_run(Intake& intake, std::span<std::byte> room, std::span<const std::uint64_t> set);
  void pass_over(Intake& intake);
  std::span<const std::uint64_t> set_of(const Intake& intake, const SpillQueue::Message& message);
  void note_fed(std::uint64_t count, log::Cursor end);
  void write_new(std::span<const deliver::Delivery* const> deliveries, Spilled& result);
  void leave_old(std::span<const deliver::Delivery* const> deliveries);

  state::Memory& memory_;
  std::string data_dir_, source_;
  Reporter& reporter_;
  state::Persistent<SpillFeedRecord> persistent_;
  HandlerBits handlers_;
  SpillFiles files_;
  SpillQueue queue_;  // the old ones
  std::function<bool()> is_saved_elsewhere_;
  std::string spilled_;  // the new one
};

}  // namespace standpipe::worker
