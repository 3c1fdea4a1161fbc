// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_files.h"

#include <iterator>

#include "base/failure.h"

namespace standpipe::worker {

std::optional<std::uint64_t> QueueFiles::after(std::uint64_t first) const {
  const auto next = files_.upper_bound(first);
  return next == files_.end() ? std::nullopt : std::optional(next->first);
}

std::optional<std::uint64_t> QueueFiles::that_has(std::uint64_t number) const {
  const auto next = files_.upper_bound(number);
  return next == files_.begin() ? std::nullopt : std::optional(std::prev(next)->first);
}

void QueueFiles::find() {
  for (const auto first : segments_.find()) files_[first].bytes = segments_.bytes(first);
}

std::uint64_t QueueFiles::bytes_from(std::uint64_t first) const {
  std::uint64_t sum = 0;
  for (auto at = files_.lower_bound(first); at != files_.end(); ++at) sum += at->second.bytes;
  return sum;
}

log::DiskLog& QueueFiles::read(std::uint64_t first) {
  if (!reader_ || reader_segment_ != first) {
    reader_.emplace(log::DiskLog::walk(path(first)));
    reader_segment_ = first;
  }
  return *reader_;
}

log::DiskLog& QueueFiles::open(std::uint64_t first) {
  reader_.emplace(log::DiskLog::open(path(first), log::DiskLog::Access::read));
  reader_segment_ = first;
  return *reader_;
}

void QueueFiles::lose(std::uint64_t first, std::optional<log::DiskLog> file, log::Cursor end) {
  lost_.reset();
  if (file) lost_.emplace(Lost{std::move(*file), first, end});
}

void QueueFiles::forget_all() {
  files_.clear();
  reader_.reset();
}

void QueueFiles::remove_before(std::uint64_t first) {
  while (!files_.empty() && files_.begin()->first < first) remove(files_.begin());
}

void QueueFiles::remove_passed(std::uint64_t end, std::uint64_t trimmed, std::uint64_t written) {
  for (auto file = files_.begin(); file != files_.end() && file->first < end;) {
    const auto& [first, segment] = *file;
    const bool is_passed = segment.log_begin == segment.log_end || trimmed >= segment.log_end;
    const auto passed = file++;
    if (is_passed && first != written) remove(passed);
  }
}

void QueueFiles::remove(Files::iterator file) {
  const auto first = file->first;
  if (reader_segment_ == first) reader_.reset();
  if (is_lost(first)) lost_.reset();
  if (const int error = segments_.remove(first))
    reporter_.warning("queue", Failure::system("delete " + path(first), error).what());
  files_.erase(file);
}

}  // namespace standpipe::worker
