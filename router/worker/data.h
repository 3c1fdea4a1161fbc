// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "config/hub_options.h"
#include "deliver/dead_letters.h"
#include "deliver/handler_needs.h"
#include "deliver/letter_writer.h"
#include "keeper/link.h"
#include "state/memory.h"
#include "worker/checkpoint.h"
#include "worker/checkpoint_timer.h"
#include "worker/event_loop.h"
#include "worker/resume_notes.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// The hub's use of its data_dir. The lock is held from here on, by the keeper too, so that no other
// hub comes in between two workers.
//
// A folder that was configured must work. The default one need not: the hub then runs without it,
// after reporting what that costs. A later worker of the same run continues without the folder,
// too: stopping there would lose what the folder is to save.
class Data final : public deliver::DeadLetterSink {
 public:
  // `run`: the same for all workers of a run. Throws Failure.
  Data(const config::HubOptions& options, bool continues, std::uint64_t run, keeper::Link& link,
       state::Memory& memory, EventLoop& loop, const Clock& clock, Reporter& reporter);

  // Somebody else may clean up: the lock's file is written again, and a folder that is gone is made
  // and locked again. Reported once when that cannot be done.
  void check(keeper::Link& link);

  bool works() const { return folder_.has_value(); }
  const std::string& path() const { return path_; }  // also when it does not work

  // ---- the checkpoint: where the hub stands, for whoever comes after a sudden end
  // Says what is known of an earlier run that ended so, and leaves the first one of this run.
  void begin_checkpoints(const Checkpoint& now);
  void write_checkpoint(const Checkpoint& now);
  void end_checkpoints();  // the end is a clean one
  // When the next one is due.
  CheckpointTimer& checkpoint_timer() { return checkpoint_timer_; }

  // ---- what a stop leaves of the sources' FIFOs
  std::vector<StopNote> read_stop_notes() const;
  void remove_stop_notes() const;
  // false: it cannot be kept, after saying why.
  bool write_stop_notes(const std::vector<StopNote>& notes) const;

  // ---- where source plugins go on
  std::string resume_of(const std::string& source, const std::string& plugin) const {
    return resume_notes_.of(source, plugin);
  }
  void write_resumes(const ResumeNotes::Places& resumes, bool syncs) {
    if (works()) resume_notes_.write(resumes, syncs);
  }

  // All spills: the source, and the file. Throws Failure.
  std::vector<std::pair<std::string, std::string>> spills() const;

  // ---- dead letters
  bool is_open() const override { return works(); }
  [[nodiscard]] std::optional<Failure> write(std::span<const deliver::DeadLetter> letters) override;
  bool post(const std::shared_ptr<deliver::LetterJob>& job) override;
  deliver::LetterWriter& letters() { return letters_; }
  // In this run, so that the others stay within their limits.
  std::uint64_t removed_letters() const { return letters_.removed(); }

 private:
  void open_folder(keeper::Link& link);
  void clear_folder(const config::HubOptions& options);

  std::string path_;
  std::optional<DataFolder> folder_;
  deliver::LetterWriter letters_;
  const Clock& clock_;
  Nanoseconds cleaned_{0};
  CheckpointFile checkpoint_;
  CheckpointTimer checkpoint_timer_;
  StopNotes stop_notes_;
  ResumeNotes resume_notes_;
  Reporter& reporter_;
  bool write_failed_ = false;  // reported once
  bool lost_reported_ = false;
};

}  // namespace standpipe::worker
