// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "config/hub.h"
#include "deliver/dead_letters.h"
#include "keeper/link.h"
#include "worker/checkpoint.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

// What a hub writes to its data_dir, for itself alone: the lock is held from here on, by the keeper too, so that no other hub comes
// in between two workers.
//
// A folder that was configured must work. One that nobody asked for need not: the hub then runs without it, after saying what that
// costs. Nor must a worker that goes on where another died: stopping there would lose what the folder is to save.
class Data {
 public:
  // `run`: the same for all workers of a run. Throws Failure.
  Data(const config::Hub& options, bool goes_on, std::uint64_t run, keeper::Link& link, Reporter& reporter);

  // Somebody else may clean up: the lock's file is written again, and a folder that is gone is made and locked again. Said once
  // when that cannot be done.
  void look(keeper::Link& link);

  bool works() const { return folder_.has_value(); }
  const std::string& path() const { return path_; }  // also when it does not work

  // ---- the checkpoint: where the hub stands, for whoever comes after a sudden end
  // Says what is known of an earlier run that ended so, and leaves the first one of this run.
  void begin_checkpoints(const Checkpoint& now);
  void write(const Checkpoint& now);
  void end_checkpoints();  // the end is a clean one

  // ---- what a stop leaves of the sources' FIFOs
  std::vector<StopNote> read_stop_notes() const;
  void remove_stop_notes() const;
  // false: it cannot be kept, after saying why.
  bool write_stop_notes(const std::vector<StopNote>& notes) const;

  // All spills: the source, and the file. Throws Failure.
  std::vector<std::pair<std::string, std::string>> spills() const;

  // Keeps the letters on disk before it returns; or says why it could not.
  [[nodiscard]] std::optional<Failure> put_aside(std::span<const deliver::DeadLetter> letters);

 private:
  void take(keeper::Link& link);
  void require_folder_for_spills();

  std::string path_;
  std::optional<DataFolder> folder_;
  deliver::DeadLetters letters_;
  CheckpointFile checkpoint_;
  StopNotes stop_notes_;
  Reporter& reporter_;
  bool write_failed_ = false;  // said once
  bool lost_said_ = false;
};

}  // namespace standpipe::worker
