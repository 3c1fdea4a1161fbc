// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_head.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "frame/wire_scan.h"
#include "log/meta_block.h"

namespace standpipe::worker {
namespace {

constexpr std::uint64_t kFedBytes = 512 * KiB;  // a step
constexpr Nanoseconds kReadRetry = std::chrono::seconds(5);
constexpr Nanoseconds kMemoryRetry = std::chrono::milliseconds(20);  // while memory is short
constexpr std::uint64_t kForHandler[] = {1};
constexpr std::uint32_t kNoMatch = 0;  // it was matched in the source's log

bool is_one_frame(std::span<const std::byte> bytes) {
  frame::Frame frame;
  return frame::scan_wire(bytes, {&frame, 1}).consumed == bytes.size() && !bytes.empty();
}

struct Frames {
  std::size_t bytes = 0, count = 0;
};

// As many whole frames as have that many bytes, but one at least.
Frames first_frames(std::span<const std::byte> all, std::size_t most) {
  Frames first;
  std::array<frame::Frame, 64> found;
  while (first.bytes < all.size()) {
    const auto scan = frame::scan_wire(all.subspan(first.bytes), found);
    INVARIANT(scan.frames > 0, all.size(), first.bytes);
    const auto begin = first.bytes;
    for (std::size_t f = 0; f < scan.frames; ++f) {
      if (first.count > 0 && begin + found[f].end > most) return first;
      first.bytes = begin + found[f].end;
      ++first.count;
    }
  }
  return first;
}

}  // namespace

QueueHead::Fed QueueHead::feed() {
  Fed fed;
  try {
    feed_some(fed);
  } catch (const Failure& failure) {
    leave_segment(failure);
    fed.more = !retry_at_;
  }
  return fed;
}

void QueueHead::feed_some(Fed& fed) {
  if (retry_at_ && clock_.steady() < *retry_at_) return;
  retry_at_.reset();
  if (full_at_ == log_.trimmed().position) return;  // the same would find no room again
  full_at_.reset();
  const auto until = log_.end().position + kFedBytes;
  while (log_.end().position < until) {
    if (progress_.state().fed == progress_.state().next) return;
    auto* file = reading();
    if (!file) return;  // the writer has it
    log::DiskLog::ReadPosition at{progress_.state().read_offset};
    const auto found = next_record(*file, at);
    if (!found) {
      pass_over_gap();
      end_segment(deliver::Reason::damaged);
      continue;
    }
    pass_over(found->record.number, deliver::Reason::damaged);
    if (!put(*file, *found, at)) {
      if (!log_.waits_for_arena()) full_at_ = log_.trimmed().position;
      return;
    }
    fed.any = true;
  }
  fed.more = true;
}

// The file that has the next message. nullptr: the writer has it now.
log::DiskLog* QueueHead::reading() {
  const auto segment = progress_.state().read_segment;
  if (files_.is_lost(segment)) return &files_.lost()->file;
  if (segment == progress_.state().segment && segment != 0) return tail_.file();
  return &files_.read(segment);
}

// The next one that was not fed, as far as it can be read.
std::optional<QueueHead::Found> QueueHead::next_record(log::DiskLog& file,
                                                       log::DiskLog::ReadPosition& at) const {
  const auto end = files_.after(progress_.state().read_segment).value_or(progress_.state().next);
  while (const auto read = file.read_next(at)) {
    const auto record = deliver::QueueRecord::read(read->meta);
    const bool is_next = record && record->number >= progress_.state().fed && record->number < end;
    if (!is_next || !is_one_frame(read->payload)) continue;
    return Found{*record, read->payload,
                 log::are_fields(read->fields) ? read->fields : std::span<const std::byte>()};
  }
  return std::nullopt;
}

// false: the log has no room now; nothing was done.
bool QueueHead::put(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at) {
  progress_.forget_skipped();
  progress_.commit();
  return found.fields.empty() ? put_run(file, found, at) : put_described(found, at.offset);
}

// What was just written is still in the source's log. So a handler that keeps up need not wait
// until it is read again.
bool QueueHead::feed_written(std::vector<QueueWriter::Run> written) {
  const auto& state = progress_.state();
  const auto fed = state.fed;
  if (state.read_segment != state.segment) end_segment(deliver::Reason::damaged);
  // A full queue may have dropped some of it meanwhile, or its segment is another's by now.
  const bool comes_next = state.read_segment == state.segment && state.segment != 0 &&
                          written.front().first.number == state.fed;
  for (auto run = written.begin(); comes_next && run != written.end(); ++run) {
    const bool is_last = run + 1 == written.end();
    if (!put_written(*run, is_last ? state.end_bytes : state.read_offset)) break;
  }
  return state.fed != fed;
}

// false: not all of it found room. `offset`: where reading goes on after all of it.
bool QueueHead::put_written(QueueWriter::Run& run, std::uint64_t offset) {
  progress_.forget_skipped();
  progress_.commit();
  if (!run.fields.empty()) return put_described({run.first, run.frames, run.fields}, offset);
  while (run.count > 0) {
    const auto room = log_.room(first_frames(run.frames, 0).bytes);
    const auto [bytes, count] = run.frames.size() <= room.size()
                                    ? Frames{run.frames.size(), run.count}
                                    : first_frames(run.frames, room.size());
    if (bytes > room.size()) return false;
    std::memcpy(room.data(), run.frames.data(), bytes);
    if (!add_run(bytes, count, run.first.accepted_ns)) return false;
    run.frames = run.frames.subspan(bytes);
    run.count -= static_cast<std::uint32_t>(count);
    note_fed(count, run.count == 0 ? offset : progress_.state().read_offset);
  }
  return true;
}

// false: there is no room for its index.
bool QueueHead::add_run(std::size_t bytes, std::size_t count, std::uint64_t time) {
  if (count == 0) return false;
  log_.filled(bytes);
  while (!log_.add_run(bytes, static_cast<std::uint32_t>(count), time, kNoMatch, kForHandler)) {
    if (log_.make_room_for_index()) continue;
    log_.drop_incomplete();
    return false;
  }
  return true;
}

// A message with metadata, and that before it.
bool QueueHead::put_described(const Found& found, std::uint64_t offset) {
  log::MetaBlockWriter block;
  block.add_fields(found.fields);
  block.end_message();
  const auto room = log_.add_block(block.finish(), found.frame.size(), block.count());
  if (room.empty()) return false;
  std::memcpy(room.data(), found.frame.data(), found.frame.size());
  log_.filled(found.frame.size());
  const bool is_added =
      log_.add_run(found.frame.size(), 1, found.record.accepted_ns, kNoMatch, kForHandler);
  INVARIANT(is_added, found.frame.size());  // add_block made room for its index, too
  note_fed(1, offset);
  return true;
}

// As many as were accepted together and have no metadata.
bool QueueHead::put_run(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at) {
  const auto room = log_.room(found.frame.size());
  if (room.size() < found.frame.size()) return false;
  const auto most = std::min<std::size_t>(room.size(), kFedBytes);
  const auto time = found.record.accepted_ns;
  auto number = found.record.number;
  auto frame = found.frame;
  auto after = at;
  std::size_t bytes = 0;
  for (;;) {
    std::memcpy(room.data() + bytes, frame.data(), frame.size());
    bytes += frame.size();
    after = at;
    ++number;
    const auto next = next_record(file, at);
    if (!next || next->record.number != number || next->record.accepted_ns != time ||
        !next->fields.empty() || bytes + next->frame.size() > most)
      break;
    frame = next->frame;
  }
  const auto count = number - found.record.number;
  if (!add_run(bytes, count, time)) return false;
  note_fed(count, after.offset);
  return true;
}

// They are in the log, and not in the files any more, as far as the account goes. Commits.
void QueueHead::note_fed(std::uint64_t messages, std::uint64_t offset) {
  progress_.fed(messages, offset);
  const auto segment = progress_.state().read_segment;
  const auto end = log_.end();
  files_[segment].log_end = end.position.bytes;
  if (files_.is_lost(segment)) files_.lost()->end = end;
}

void QueueHead::pass_over(std::uint64_t until, deliver::Reason reason) {
  const auto count = until - progress_.state().fed;
  if (count == 0) return;
  progress_.pass_over(until, reason);
  if (reason == deliver::Reason::damaged)
    reports_.cannot_read(count, files_.path(progress_.state().read_segment));
}

// A segment has ended before the next one begins: between them a file is missing, or its own end.
void QueueHead::pass_over_gap() {
  const auto& state = progress_.state();
  const auto next = files_.after(state.read_segment);
  const auto first = state.fed;
  if (!next || first >= *next) return;
  progress_.pass_over(*next, deliver::Reason::damaged);
  reports_.missing(*next - first, files_.path(state.read_segment), files_.path(first));
}

void QueueHead::end_segment(deliver::Reason reason) {
  const auto next = files_.after(progress_.state().read_segment);
  pass_over(next.value_or(progress_.state().next), reason);
  if (next) {
    progress_.read_on_in(*next);
    auto& file = files_[*next];
    file.log_begin = file.log_end = progress_.state().boundary;
  } else {
    progress_.read_on_at_end();
  }
  progress_.commit();
}

// The segment that is read cannot be opened, or the disk does not give its bytes.
void QueueHead::leave_segment(const Failure& failure) {
  const auto segment = progress_.state().read_segment;
  if (const auto trouble = files_.segments().passing_trouble(segment)) {
    retry_at_ = clock_.steady() + kReadRetry;
    return reports_.cannot_read_now(*trouble);
  }
  reports_.left_out(failure, files_.segments().set_aside(segment, failure));
  files_.close();
  if (segment == progress_.state().segment) tail_.leave_segment();
  end_segment(deliver::Reason::damaged);
  files_.forget(segment);
}

std::optional<Nanoseconds> QueueHead::wake_at() const {
  if (!log_.waits_for_arena() || progress_.in_files() == 0) return retry_at_;
  const auto at = clock_.steady() + kMemoryRetry;
  return std::min(retry_at_.value_or(at), at);
}

}  // namespace standpipe::worker
