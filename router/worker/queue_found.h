// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "log/disk_log.h"
#include "worker/queue_files.h"
#include "worker/queue_progress.h"
#include "worker/queue_reports.h"

namespace standpipe::worker {

// What earlier runs left in the files of a queue, when the first worker of a run begins: all whole
// records. The last segment tells where the queue ends, and is written on to; the first one tells
// how much of it was handled.
struct QueueFound {
  QueueProgress::Left left;
  std::optional<log::DiskLog> file;  // the last segment; none: it cannot be written on to
};

// What is no segment of this queue, or cannot be read, is set aside and reported. `files`: what is
// there; none is in it yet. Throws Failure: it is to be tried again, since what is there must be
// neither overlooked nor written over.
QueueFound find_queue(QueueFiles& files, QueueReports& reports);

}  // namespace standpipe::worker
