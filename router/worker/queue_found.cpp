// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_found.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/failure.h"
#include "deliver/queue_record.h"

namespace standpipe::worker {
namespace {

void set_aside(QueueFiles& files, QueueReports& reports, std::uint64_t first,
               const Failure& failure) {
  const auto aside = files.segments().set_aside(first, failure);
  if (aside.empty()) throw failure.in("in the way, and cannot be renamed");
  files.forget(first);
  reports.set_aside(failure, aside);
}

// The last segment tells where the queue ends. false: it is none of this queue's.
bool open_last(QueueFiles& files, QueueReports& reports, QueueFound& found) try {
  const auto first = files.last();
  auto file = log::DiskLog::open(files.path(first), log::DiskLog::Access::append);
  const auto last = file.last();
  const auto record = last ? deliver::QueueRecord::read(*last) : std::nullopt;
  if (record && (record->number < first || record->number - first >= file.bytes())) {
    set_aside(files, reports, first,
              Failure(file.path() + " has messages of other numbers than its name says"));
    return false;
  }
  found.left.segment = first;
  found.left.end_bytes = files[first].bytes = file.bytes();
  found.left.next = record ? record->number + 1 : first + file.records();
  if (const auto damage = file.recovery().text(); !damage.empty())
    reports.damaged(file.path(), damage);
  found.file.emplace(std::move(file));
  return true;
} catch (const Failure& failure) {
  found.left.next = files.last();
  if (const auto trouble = files.segments().passing_trouble(found.left.next))
    throw Failure(*trouble);
  set_aside(files, reports, found.left.next, failure);
  return true;
}

// How many of the first segment's messages an earlier run was through with.
std::uint64_t done_of_first(QueueFiles& files, const QueueFound& found) try {
  const auto first = files.first();
  if (found.file && first == files.last()) return found.file->done();
  return files.open(first).done();
} catch (const Failure&) {
  if (const auto trouble = files.segments().passing_trouble(files.first())) throw Failure(*trouble);
  return 0;  // reading meets it again
}

}  // namespace

QueueFound find_queue(QueueFiles& files, QueueReports& reports) {
  QueueFound found;
  files.find();
  while (!files.empty() && !open_last(files, reports, found)) {
  }
  auto& left = found.left;
  left.fed = left.next;
  if (!files.empty()) {
    left.read_segment = files.first();
    left.fed = std::min(left.read_segment + done_of_first(files, found), left.next);
  }
  return found;
}

}  // namespace standpipe::worker
