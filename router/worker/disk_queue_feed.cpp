// SPDX-License-Identifier: Apache-2.0
// DiskQueue: how what lies in its files comes back, in order.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "frame/wire_scan.h"
#include "log/meta_block.h"
#include "worker/disk_queue.h"

namespace standpipe::worker {
namespace {

constexpr std::uint64_t kFedBytes = 512 * KiB;  // a step
constexpr Nanoseconds kReadRetry = std::chrono::seconds(5);
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

void DiskQueue::feed(Step& step) try {
  if (read_retry_at_ && needs_.clock.steady() < *read_retry_at_) return;
  read_retry_at_.reset();
  if (full_at_ == log_.trimmed().position) return;  // the same would find no room again
  full_at_.reset();
  const auto until = log_.end().position + kFedBytes;
  while (log_.end().position < until) {
    if (state_->fed == state_->next) return;
    auto* file = reading();
    if (!file) return;  // the writer has it
    log::DiskLog::ReadPosition at{state_->read_offset};
    const auto found = next_record(*file, at);
    if (!found) {
      end_segment(deliver::Reason::damaged);
      continue;
    }
    pass_over(found->record.number, deliver::Reason::damaged);
    if (!put(*file, *found, at)) {
      if (!log_.waits_for_arena()) full_at_ = log_.trimmed().position;
      return;
    }
    step.fed = true;
  }
  step.more = true;
} catch (const Failure& failure) {
  leave_segment(failure);
  step.more = !read_retry_at_;
}

// The file that has the next message. nullptr: the writer has it now.
log::DiskLog* DiskQueue::reading() {
  const auto segment = state_->read_segment;
  if (files_.is_lost(segment)) return &files_.lost()->file;
  if (segment == state_->segment && segment != 0) {
    if (batch_ && batch_->segment == segment) return nullptr;
    if (!file_) file_.emplace(log::DiskLog::resume(files_.path(segment), state_->end_bytes));
    return &*file_;
  }
  return &files_.read(segment);
}

// The next one that was not fed, as far as it can be read.
std::optional<DiskQueue::Found> DiskQueue::next_record(log::DiskLog& file,
                                                       log::DiskLog::ReadPosition& at) const {
  const auto end = files_.after(state_->read_segment).value_or(state_->next);
  while (const auto read = file.read_next(at)) {
    const auto record = deliver::QueueRecord::read(read->meta);
    const bool is_next = record && record->number >= state_->fed && record->number < end;
    if (!is_next || !is_one_frame(read->payload)) continue;
    return Found{*record, read->payload,
                 log::are_fields(read->fields) ? read->fields : std::span<const std::byte>()};
  }
  return std::nullopt;
}

// false: the log has no room now; nothing was done.
bool DiskQueue::put(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at) {
  if (log_.empty() && state_->skipped > 0) state_.edit().skipped = 0;
  memory_.commit();
  return found.fields.empty() ? put_run(file, found, at) : put_described(found, at.offset);
}

// What was just written is still in the source's log. So a handler that keeps up need not wait
// until it is read again. What finds no room is read when there is some.
void DiskQueue::feed_written(Step& step) {
  const auto fed = state_->fed;
  if (state_->read_segment != state_->segment) end_segment(deliver::Reason::damaged);
  // A full queue may have dropped some of it meanwhile, or its segment is another's by now.
  const bool comes_next = state_->read_segment == state_->segment && state_->segment != 0 &&
                          written_.front().first.number == state_->fed;
  for (auto run = written_.begin(); comes_next && run != written_.end(); ++run) {
    const bool is_last = run + 1 == written_.end();
    if (!put_written(*run, is_last ? state_->end_bytes : state_->read_offset)) break;
  }
  written_.clear();
  step.fed = step.fed || state_->fed != fed;
}

// false: not all of it found room. `offset`: where reading goes on after all of it.
bool DiskQueue::put_written(QueueWriter::Run& run, std::uint64_t offset) {
  if (log_.empty() && state_->skipped > 0) state_.edit().skipped = 0;
  memory_.commit();
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
    note_fed(count, run.count == 0 ? offset : state_->read_offset);
  }
  return true;
}

// false: there is no room for its index.
bool DiskQueue::add_run(std::size_t bytes, std::size_t count, std::uint64_t time) {
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
bool DiskQueue::put_described(const Found& found, std::uint64_t offset) {
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
bool DiskQueue::put_run(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at) {
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
void DiskQueue::note_fed(std::uint64_t messages, std::uint64_t offset) {
  auto& state = state_.edit();
  state.fed += messages;
  state.read_offset = offset;
  from_.hand_over_saved(messages);
  to_->edit_tally().matched += messages;
  memory_.commit();
  files_[state_->read_segment].log_end = log_.end().position.bytes;
  if (files_.is_lost(state_->read_segment)) files_.lost()->end = log_.end();
}

// Messages before that number are not fed. The caller commits.
void DiskQueue::pass_over(std::uint64_t until, deliver::Reason reason) {
  const auto count = until - state_->fed;
  if (count == 0) return;
  from_.drop_saved(count, reason);
  auto& state = state_.edit();
  state.fed = until;
  state.skipped += count;
  if (reason == deliver::Reason::damaged)
    reports_.cannot_read(count, files_.path(state_->read_segment));
}

// All that can be read of the segment was fed, or is passed over.
void DiskQueue::end_segment(deliver::Reason reason) {
  const auto next = files_.after(state_->read_segment);
  pass_over(next.value_or(state_->next), reason);
  auto& state = state_.edit();
  if (next) {
    state.read_segment = *next;
    state.read_offset = 0;
    state.boundary = log_.end().position.bytes;
    auto& file = files_[*next];
    file.log_begin = file.log_end = state.boundary;
  } else if (state.read_segment == state.segment) {
    state.read_offset = state.end_bytes;
  } else {
    state.read_segment = state.read_offset = 0;
  }
  memory_.commit();
}

// The segment that is read cannot be opened, or the disk does not give its bytes.
void DiskQueue::leave_segment(const Failure& failure) {
  const auto segment = state_->read_segment;
  if (const auto trouble = files_.segments().passing_trouble(segment)) {
    read_retry_at_ = needs_.clock.steady() + kReadRetry;
    return reports_.cannot_read_now(*trouble);
  }
  const auto aside = files_.segments().set_aside(segment);
  needs_.reporter.error("damaged",
                        name() + ": " + failure.what() +
                            (aside.empty() ? "" : ": it is " + aside + " now") +
                            "; its messages are dropped (damaged)",
                        failure.help());
  files_.close();
  if (segment == state_->segment) {
    file_.reset();
    unsynced_.reset();
    auto& state = state_.edit();
    state.segment = state.end_bytes = 0;
  }
  end_segment(deliver::Reason::damaged);
  files_.forget(segment);
}

}  // namespace standpipe::worker
