// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"

namespace standpipe::worker {

// The state of a running hub at some moment, reported after a sudden end.
struct Checkpoint {
  struct Source {
    std::string name;
    std::uint64_t accepted = 0;
    bool operator==(const Source&) const = default;
  };
  Nanoseconds began{};  // since 1970, of the run, not of the worker: a successor finds its own
                        // run's checkpoint by it
  pid_t pid = 0;
  Nanoseconds at{};  // since 1970
  std::vector<Source> sources = {};
  std::uint64_t in_flight = 0;      // messages, once for each handler that wants them
  std::uint64_t waiting_bytes = 0;  // of memory logs
  bool operator==(const Checkpoint&) const = default;

  // "the hub that began at ... did not end by itself; ..."
  std::string text() const;
};

// DATA_DIR/running exists while a hub runs, and afterwards only if it did not end by itself. Its
// caller rewrites it at most once a second, by renaming, so that it is never half written. It is
// not synced: an fsync every second would wear out a disk for a file about the death of processes.
// After a power failure it may be some seconds old, or empty.
//
// Lines of KEY=VALUE, the last of them `end`; unknown keys are passed over.
class CheckpointFile {
 public:
  explicit CheckpointFile(const std::string& data_dir) : path_(data_dir + "/running") {}

  // What is there. Of a file that cannot be understood only that it is there: all is zero.
  std::optional<Checkpoint> previous() const;
  [[nodiscard]] std::optional<Failure> write(const Checkpoint& checkpoint) const;
  void remove() const;  // at a clean end

 private:
  std::string path_;
};

}  // namespace standpipe::worker
