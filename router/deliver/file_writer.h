// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"

namespace standpipe::deliver {

// Appends whole frames to a regular file in a thread of its own, because a disk may make whoever
// writes wait: one job after the other, and fd() says when one is done. What it is lent (the
// pieces, in logs) must stay until then.
//
// A file that lies in memory (in_memory) makes nobody wait. It is written by whoever posts the job:
// what was just read into the log is then still in that core's cache, and no thread is woken.
//
// Before it writes it looks whether the file still has a name and the size that the hub knows of;
// afterwards the file ends with a whole frame, even where the disk was full in the middle of one.
// It knows nothing of queues and cursors.
class FileWriter {
 public:
  static constexpr Nanoseconds kNever{0}, kAlways{-1};

  struct Job {
    int fd = -1;                // opened O_APPEND
    std::string path;           // which should lead to it
    std::uint64_t size = 0;     // that it should have
    std::vector<iovec> pieces;  // each begins and ends with a frame
    Nanoseconds sync = kNever;  // how often what was written is forced to the disk; kAlways: before
                                // the job is done
    bool in_memory = false;     // done when post returns
  };
  enum class Found {
    ours,     // as it should be
    deleted,  // it has no name left
    moved,    // another file has its name, or none
    changed,  // it has another size: somebody else writes to it, or has cut it
  };
  struct Done {
    Found found = Found::ours;   // otherwise nothing was written
    std::uint64_t bytes = 0;     // that it has more, whole frames
    std::uint64_t size = 0;      // that was found
    int error = 0;               // an errno
    const char* what = "write";  // that failed
  };

  // Whether writing to it waits for no disk: tmpfs and ramfs, as /run and /dev/shm are.
  static bool is_in_memory(int fd);

  FileWriter();
  // Does not wait for a job that is not done: a disk that stands still must not keep the hub from
  // ending.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  int fd() const { return wake_; }  // an eventfd: readable, edge-triggered, when a job is done
  bool is_busy() const { return is_busy_; }
  bool has_done() const;
  void post(Job job);  // not while it is busy
  // What became of the job; then it is not busy any more. Empty: not done.
  std::optional<Done> take_done();

 private:
  class Appender;
  struct Shared;
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Appender> appender_;  // of files in memory
  int wake_;
  bool is_busy_ = false;
  std::thread thread_;
};

}  // namespace standpipe::deliver
