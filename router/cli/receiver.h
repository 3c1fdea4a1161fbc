// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/fifo_reader.h"
#include "cli/interruption.h"
#include "cli/show.h"
#include "cli/status.h"
#include "cli/streams.h"
#include "cli/work_pool.h"
#include "cli/worker_lock.h"

namespace standpipe::cli {

// What `recv` does: takes frames until it has enough, waited too long or was interrupted, and
// prints each. As a worker it holds the lock from the first byte of a frame to its last, and never
// while it waits for a frame to begin: a stopped worker must not stop the others. With a command
// for each message, a frame is taken only when a command can be started for it.
class Receiver {
 public:
  struct Options {
    std::string path;
    std::uint64_t payload_max = kMessageSizeMaxDefault;
    Format format = Format::text;
    std::optional<std::uint64_t> count = {};
    std::optional<Nanoseconds> timeout = {};
    bool shared = false;
    // Not empty: each message is given to a command instead of being printed (work_pool.h).
    std::string exec = {};
    WorkPool::Options work = {};
  };

  // Throws Failure when the FIFO cannot be had.
  Receiver(Options options, Streams& streams);
  Status run();

 private:
  Status receive_frames();
  Status finish_work(Status status);
  void wait_for_work(int known_interruptions);
  bool enough() const { return options_.count && got_ >= *options_.count; }
  FifoReader::Next next_frame();
  void show();
  Waited wait(int known_interruptions);
  Status finish_frame();
  Status too_late();
  Status refuse();
  void report_truncated();
  Deadline deadline() const;

  Options options_;
  Streams& streams_;
  Interruption interruption_;
  FifoReader reader_;
  std::optional<WorkerLock> lock_;
  std::optional<WorkPool> pool_;
  std::uint64_t got_ = 0;
  std::size_t incomplete_bytes_ = 0;  // bytes of the frame at hand, at the last look
  Nanoseconds moved_;                 // when bytes came last
};

}  // namespace standpipe::cli
