// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "log/disk_log.h"
#include "worker/queue_found.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;
using WhenFull = deliver::QueueOptions::WhenFull;

constexpr std::uint64_t kMovedBytes = 512 * KiB;  // a job, some turns from a FIFO
constexpr Nanoseconds kPrepareRetry = 5s;         // after a failure of the disk
constexpr Nanoseconds kStuckRetry = 1s;           // of an overflow that others have filled
// A queue that has been empty for so long gives its last segment back, so that nothing of it comes
// again after the death of all.
constexpr Nanoseconds kRetiredAfter = 1s;
constexpr std::uint64_t kOldestPart = 8;  // of a full queue, that is dropped at once

std::size_t log_id(const state::Memory& memory, std::uint32_t slot) {
  return memory.plan().logs + slot;
}

}  // namespace

DiskQueue::DiskQueue(DiskQueueOptions options, deliver::Delivery& from, const DiskQueueNeeds& needs)
    : options_(std::move(options)),
      needs_(needs),
      files_({options_.data_dir, options_.source, options_.handler}, needs_.reporter),
      reports_({options_.source, options_.handler, folder(), options_.is_overflow}, needs_.clock,
               needs_.reporter),
      log_(needs.arena, {.id = log_id(needs.arena.memory(), options_.slot),
                         .size_max = kDiskQueueLogBytes,
                         .frame_max = sizeof(std::uint32_t) + options_.message_size_max,
                         .readers = 1}),
      made_to_(std::make_unique<deliver::Delivery>(options_.source, options_.handler,
                                                   delivery_id(needs.arena.memory(), options_.slot),
                                                   log_, 0, deliver::Delivery::Of::queue)),
      progress_(options_.source, options_.handler, from, *made_to_),
      tail_(options_.queue, progress_, files_, reports_, needs_.writer, needs_.clock),
      head_(progress_, files_, tail_, reports_, needs_.clock),
      mark_(progress_, files_) {
  progress_.commit();
  (void)prepare();
}

bool DiskQueue::is_empty(const state::Memory& memory, const std::string& source,
                         const std::string& handler) {
  return QueueProgress::has_none_in_files(memory, source, handler) &&
         deliver::Delivery::is_settled(memory, source, handler, deliver::Delivery::Of::queue);
}

// Its files go by its source's name, so a source of which there are any keeps that.
void DiskQueue::rename(state::Memory& memory, const std::string& from, const std::string& to,
                       const std::string& handler) {
  QueueProgress::rename(memory, from, to, handler);
  deliver::Delivery::rename(memory, from, to, handler, deliver::Delivery::Of::queue);
}

// false: its log was not trimmed yet, so it goes the next time.
bool DiskQueue::remove(state::Memory& memory, state::Directory& directory,
                       const std::string& source, const std::string& handler) {
  const auto name = state::delivery_name(source, handler);
  const auto slot = directory.find(state::Kind::queue, name);
  if (!slot) return true;
  const auto id = log_id(memory, *slot);
  if (!log::Log::is_empty(memory, id)) return false;
  log::Log::remove(memory, id);
  deliver::Delivery::remove(memory, source, handler, deliver::Delivery::Of::queue);
  QueueProgress::remove(memory, source, handler);
  directory.remove(state::Kind::queue, name);
  return true;
}

// ---- begin

// false: it is tried again, since what is there must be neither overlooked nor written over.
bool DiskQueue::prepare() try {
  if (progress_.state().begun)
    recover();
  else
    begin();
  // It was an overflow, and is configured now.
  if (!options_.is_overflow) progress_.stay_armed();
  progress_.commit();
  from().set_queued(progress_.state().armed != 0);
  if (options_.is_overflow && is_armed()) reports_.was_armed();
  mark_.begin(needs_.clock.steady());
  prepare_at_.reset();
  reports_.takes_again();
  return true;
} catch (const Failure& failure) {
  files_.forget_all();
  tail_.close();
  from().set_queued(true);
  prepare_at_ = needs_.clock.steady() + kPrepareRetry;
  reports_.failed("what an earlier run left cannot be found: " + std::string(failure.what()),
                  failure.help());
  return false;
}

// A new run: all whole records are what is there.
void DiskQueue::begin() {
  auto found = find_queue(files_, reports_);
  tail_.open(std::move(found.file));
  progress_.begin(found.left, needs_.clock.steady());
  if (in_files() > 0) reports_.found(in_files());
}

// The run goes on: what is committed is what is there. A batch that was being written begins where
// that ends.
void DiskQueue::recover() {
  if (log_.incomplete_bytes() > 0) log_.drop_incomplete();
  const auto& segments = files_.segments();
  const auto& state = progress_.state();
  for (const auto first : segments.find()) {
    const auto from = first < state.read_segment ? 0 : state.boundary;
    const auto to = first < state.read_segment ? from : log_.end().position.bytes;
    if (first >= state.next || state.read_segment == 0)
      (void)segments.remove(first);
    else if (first <= state.read_segment)
      files_[first] = {segments.bytes(first), from, std::max(to, state.boundary)};
    else
      files_[first] = {segments.bytes(first)};
  }
  if (state.segment != 0) tail_.reopen();
}

// ---- a step

DiskQueue::Step DiskQueue::advance(bool feeds) {
  Step step;
  if (!is_armed()) return step;
  if (prepare_at_ && (needs_.clock.steady() < *prepare_at_ || !prepare())) return step;
  if (tail_.take_done()) step.moved = step.more = true;
  trim(step);
  // Where the handler keeps up, the writer has work again before the handler has.
  if (!feeds) tail_.forget_written();
  if (!tail_.written().empty()) move(step);
  feed_written(step);
  if (feeds && is_armed()) feed(step);
  move(step);
  progress_.commit();
  if (const auto due = mark_.due(); due && needs_.clock.steady() >= *due) post_mark();
  return step;
}

std::optional<Nanoseconds> DiskQueue::wake_at() const {
  std::optional<Nanoseconds> at;
  const auto by = [&](std::optional<Nanoseconds> when) {
    if (when) at = std::min(at.value_or(*when), *when);
  };
  if (!is_armed()) return at;
  if (prepare_at_) return prepare_at_;
  by(head_.wake_at());
  if (tail_.is_writing()) return at;
  by(tail_.wake_at());
  by(mark_.due());
  if (is_pressed_) by(needs_.clock.steady() + kStuckRetry);
  if (drained_since_) by(*drained_since_ + kRetiredAfter);
  return at;
}

// ---- source's log -> files

// Whether what comes is to go to the files now.
bool DiskQueue::takes() const {
  return !options_.is_overflow || (is_armed() && (is_pressed_ || in_files() > 0));
}

void DiskQueue::move(Step& step) {
  if (!tail_.begin_batch(progress_.settled_number())) return;
  if (!takes() || !from().has_all()) return;  // what an output has of a time without a queue
  from().skip_unwanted();
  if (!(from().settled() < from().log().end())) return release();
  QueueGather gathered(from(), progress_.state().next, room());
  if (gathered.messages() == 0) return make_room(step);
  tail_.write(std::move(gathered));
}

QueueGather::Limits DiskQueue::room() const {
  const auto left = [](std::uint64_t most, std::uint64_t now) {
    return most - std::min(most, now);
  };
  const auto& queue = options_.queue;
  QueueGather::Limits room{.batch_bytes = kMovedBytes};
  if (options_.is_overflow) {
    const auto header = tail_.rolls() ? log::kFileHeaderBytes + log::kBatchHeadBytes : 0;
    room.messages = deliver::QueueOptions::kNoLimit;
    room.bytes = left(queue.size_max, needs_.overflowed() + header);
  } else {
    room.messages = left(queue.messages_max, waiting());
    room.bytes = left(queue.size_max, bytes());
    // One that is larger than the whole queue finds room in an empty one.
    room.lets_one_in = waiting() == 0;
  }
  return room;
}

// It is full.
void DiskQueue::make_room(Step& step) {
  if (options_.is_overflow)
    return reports_.stuck("what overflows fills all that may (" +
                              size_text(options_.queue.size_max) + " for all handlers)",
                          "remove the cause, or raise `overflow_max`");
  if (options_.queue.when_full == WhenFull::block)
    return reports_.stuck(
        "it holds all that it may (" + counted(waiting(), "message") + ", " + thousands(bytes()) +
            " bytes)",
        "raise `queue: { max_size, max_messages }` of handler " + options_.handler);
  if (options_.queue.when_full == WhenFull::drop_newest)
    (void)drop_waiting();
  else
    drop_oldest();
  progress_.commit();
  reports_.dropped();
  step.moved = step.more = true;
}

// First what lies in the log and is in nobody's hands, then what is next in the files, and then
// what can be taken back of outputs. What is in the plugin's hands stays, and makes no room.
void DiskQueue::drop_oldest() {
  const auto& state = progress_.state();
  if (progress_.to().drop_before(log_.end(), deliver::Reason::queue_full) > 0) {
    has_recalled_ = false;
    return;
  }
  if (in_files() == 0) {
    wants_recall_ = !std::exchange(has_recalled_, !has_recalled_);
    if (!wants_recall_) (void)drop_waiting();
    return;
  }
  const bool is_in_old = state.read_segment != state.segment;
  if (is_in_old && bytes() + kMovedBytes > options_.queue.size_max)
    return head_.end_segment(deliver::Reason::queue_full);
  const auto part = std::max<std::uint64_t>(1, in_files() / kOldestPart);
  head_.pass_over(std::min(state.next, state.fed + part), deliver::Reason::queue_full);
}

// What has come and is not in the files.
std::uint64_t DiskQueue::drop_waiting() {
  return from().drop_before(from().log().end(), deliver::Reason::queue_full);
}

bool DiskQueue::give_way() {
  const bool drops = options_.queue.when_full != WhenFull::block && from().has_all();
  if (is_writing() || !reports_.has_failed() || !drops || drop_waiting() == 0) return false;
  progress_.commit();
  reports_.dropped();
  return true;
}

bool DiskQueue::is_moved() const {
  return !is_writing() && !(from().settled() < from().log().end());
}

// ---- files -> the queue's log

void DiskQueue::feed(Step& step) {
  const auto fed = head_.feed();
  step.fed = step.fed || fed.any;
  step.more = step.more || fed.more;
}

void DiskQueue::feed_written(Step& step) {
  auto written = tail_.take_written();
  if (!written.empty() && head_.feed_written(std::move(written))) step.fed = true;
}

// ---- the end of segments

void DiskQueue::trim(Step& step) {
  auto& to = progress_.to();
  const auto& state = progress_.state();
  to.skip_unwanted();
  if (const auto lowest = to.settled(); lowest != log_.trimmed()) log_.trim(lowest);
  progress_.commit();
  files_.remove_passed(state.read_segment ? state.read_segment : state.next,
                       log_.trimmed().position.bytes, state.segment);
  tail_.passed(progress_.settled_number());
  const bool is_drained = !is_writing() && in_files() == 0 && log_.empty();
  if (options_.is_overflow) {
    if (!is_drained || is_pressed_ || state.others > 0) return;
    disarm();
    step.fed = step.moved = true;
    return;
  }
  if (!is_drained || files_.empty()) return drained_since_.reset();
  const auto now = needs_.clock.steady();
  if (!drained_since_) drained_since_ = now;
  if (tail_.rolls() || now >= *drained_since_ + kRetiredAfter) retire();
}

// The handler has all, so it gets what comes from the source's log again.
void DiskQueue::disarm() {
  progress_.disarm();
  retire();
  from().set_queued(false);
  tail_.retry_now();
  reports_.disarmed();
}

void DiskQueue::press(const std::string& why, const std::string& help) {
  is_pressed_ = true;
  if (is_armed()) return;
  progress_.arm(needs_.clock.steady());
  progress_.commit();
  from().set_queued(true);
  reports_.armed(why, help);
}

// All of it was handled: nothing of it may come again.
void DiskQueue::retire() {
  tail_.retire();
  files_.close();
  drained_since_.reset();
  files_.remove_before(progress_.state().next);
}

void DiskQueue::post_mark() {
  if (is_writing()) return;
  const auto settled = *mark_.wanted();
  mark_.set(settled, needs_.clock.steady());
  tail_.mark(files_.first(), settled - files_.first());
}

// Nobody can read it after this worker. Where older files are there, the next run sees a gap.
void DiskQueue::end_lost() {
  const auto& lost = *files_.lost();
  if (files_.empty() || files_.first() != lost.first) return;
  const auto count = progress_.to().drop_before(lost.end, deliver::Reason::damaged);
  progress_.commit();
  if (count > 0) reports_.lost(count, lost.file.path());
  if (progress_.state().read_segment == lost.first) head_.end_segment(deliver::Reason::damaged);
  files_.forget(lost.first);
}

void DiskQueue::finish() try {
  if (!is_armed()) return;
  tail_.wait();
  tail_.forget_written();
  if (prepare_at_) return;
  if (files_.lost()) end_lost();
  progress_.to().skip_unwanted();
  progress_.commit();
  if (progress_.settled_number() < progress_.state().next) return leave_rest();
  if (!files_.empty()) retire();
} catch (const Failure& failure) {
  reports_.trouble(failure);
}

// For the next run.
void DiskQueue::leave_rest() {
  if (auto failure = tail_.sync()) throw Failure(*failure);
  const auto settled = progress_.settled_number();
  const auto first = files_.that_has(settled);
  if (!first) return;  // those files are gone
  files_.remove_before(*first);
  if (auto failure =
          log::DiskLog::set_done(files_.path(*first), static_cast<std::uint32_t>(settled - *first)))
    throw Failure(*failure);
  reports_.left(waiting());
}

void DiskQueue::check_invariants() const {
  log_.check_invariants();
  progress_.check_invariants(reports_.name());
  INVARIANT(is_armed() || (in_files() == 0 && !is_writing() && log_.empty()), reports_.name(),
            progress_.state().next, progress_.state().fed);
}

}  // namespace standpipe::worker
