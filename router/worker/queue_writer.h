// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.h"
#include "deliver/queue_record.h"
#include "log/disk_log.h"

namespace standpipe::worker {

// The thread that writes the queues on disk of a data_dir, because a disk may make whoever writes
// wait. Each queue has one job at a time, and lends its file for that. What came for all queues
// while the last jobs were done is written together, and then synced, each file once: so the more
// comes during a sync, the more one sync is for. Where many files are to be begun or synced, that
// is shared with helpers, 32 at most, which are there for so long.
//
// What jobs are lent (frames, in logs) must stay until they are done. It knows nothing of queues
// and cursors, and writes nothing that outlives the worker but files.
class QueueWriter {
 public:
  enum class Sync {
    no,   // as far as the kernel: it survives the death of all processes
    yes,  // on the disk, or not there at all
  };
  // Messages in a row that were accepted together: whole frames as they lie in a log, which become
  // a record each. What is to be done for each message is done by the thread alone.
  struct Run {
    deliver::QueueRecord first;
    std::span<const std::byte> frames;
    std::uint32_t count = 1;
    std::span<const std::byte> fields = {};  // then there is one frame
  };
  // How many of a file's first records are done with.
  struct Mark {
    std::string path;
    std::uint32_t records = 0;
  };
  struct Job {
    std::function<void()> before = {};      // throws Failure: nothing of the job is done
    std::optional<log::DiskLog> file = {};  // none: it is opened, or made
    std::string path = {};
    std::uint64_t end = 0;  // of what counts in it; 0: it is new
    std::vector<Run> runs = {};
    Sync sync = Sync::no;
    std::optional<Mark> mark = {};  // no harm is done if that cannot be written

    bool writes() const { return !runs.empty() || sync == Sync::yes; }
  };
  struct Done {
    std::optional<log::DiskLog> file = {};  // none: it could not be opened
    std::uint64_t end = 0;
    bool is_gone = false;                 // somebody has removed the file: nothing was done
    std::optional<Failure> failure = {};  // then nothing of the job counts
    std::vector<Run> runs = {};           // the job's
  };

  // `wake` is called when something is done, from the thread.
  explicit QueueWriter(std::function<void()> wake) : wake_(std::move(wake)) {}
  ~QueueWriter();  // when what was posted is done
  QueueWriter(const QueueWriter&) = delete;
  QueueWriter& operator=(const QueueWriter&) = delete;

  // `whose`: not while a job of it is not taken.
  void post(const void* whose, Job job);
  // What became of its job. Empty: it is not done.
  std::optional<Done> take(const void* whose);
  // The same, when it is done. There is one.
  Done wait(const void* whose);

 private:
  struct Work {
    const void* whose = nullptr;
    Job job = {};
    Done done = {};
  };
  void work();
  static void do_all(std::vector<Work>& all);
  static void write(Work& work);

  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable posted_, did_;
  std::vector<Work> waiting_;         // guarded by mutex_
  std::map<const void*, Done> done_;  // guarded by mutex_
  bool ends_ = false;                 // guarded by mutex_
  std::thread thread_;
};

}  // namespace standpipe::worker
