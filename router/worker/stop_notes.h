// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "base/file_id.h"

namespace standpipe::worker {

// What a hub that stops, or was killed while it stopped, leaves of one source's FIFO for the next
// one.
struct StopNote {
  std::string source = {};
  FileId fifo = {};
  std::optional<unsigned> mode =
      {};  // that it had before it was closed to new openings; none: it is not closed
  std::uint64_t seal = 0;        // the id of the page that closes it (source/gate.h); 0: none
  std::uint64_t capacity = 0;    // bytes that it held before that
  std::uint64_t skip = 0;        // bytes that a writer still owes of a frame that was abandoned
  std::uint32_t head = 0;        // the first bytes of a frame's length ...
  std::uint32_t head_bytes = 0;  // ... of which the writer owes the rest, and how many
  bool discards = false;  // its writers sent no frames: all is discarded until they have gone
  bool operator==(const StopNote&) const = default;
};

// DATA_DIR/stopped: written before the first FIFO is closed, so that a user's own mode survives a
// kill; replaced by what is left to know at the end, and removed by the next start, or when nothing
// is. Written by renaming, and synced: the modes that it answers for are on a disk, too.
//
// A line a source, of KEY=VALUE; the last line is `end`. Unknown keys and lines are passed over.
class StopNotes {
 public:
  explicit StopNotes(const std::string& data_dir) : path_(data_dir + "/stopped") {}

  // Empty also when it cannot be understood, or is no file.
  std::vector<StopNote> read() const;
  [[nodiscard]] std::optional<Failure> write(const std::vector<StopNote>& notes) const;
  void remove() const;

 private:
  std::string path_;
};

}  // namespace standpipe::worker
