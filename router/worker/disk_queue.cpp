// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "worker/queue_gather.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;
using WhenFull = deliver::QueueOptions::WhenFull;

constexpr std::uint64_t kMovedBytes = 512 * KiB;  // a job, some turns from a FIFO
constexpr Nanoseconds kQueueRetry = 5s;           // after a failure of the disk
constexpr Nanoseconds kMemoryRetry = 20ms;        // while memory is short
constexpr Nanoseconds kStuckRetry = 1s;           // of an overflow that others have filled
constexpr std::uint64_t kSegmentLeast = 128 * KiB, kSegmentMost = 16 * MiB;
constexpr std::uint64_t kSegmentsAQueue = 8;
// A queue that has been empty for so long gives its last segment back, so that nothing of it comes
// again after the death of all.
constexpr Nanoseconds kRetiredAfter = 1s;
constexpr Nanoseconds kMarkedEach = 1s;   // how far the handler is
constexpr std::uint64_t kOldestPart = 8;  // of a full queue, that is dropped at once
// How long a full segment may wait for a handler that keeps up, so that it is deleted, not synced.
constexpr Nanoseconds kDrainMost = 10ms;

std::string record_name(const std::string& source, const std::string& handler) {
  return "disk-queue/" + state::delivery_name(source, handler);
}

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
      memory_(needs.arena.memory()),
      state_(memory_, record_name(options_.source, options_.handler)),
      log_(needs.arena, {.id = log_id(memory_, options_.slot),
                         .size_max = kDiskQueueLogBytes,
                         .frame_max = sizeof(std::uint32_t) + options_.message_size_max,
                         .readers = 1}),
      from_(from),
      made_to_(std::make_unique<deliver::Delivery>(options_.source, options_.handler,
                                                   delivery_id(memory_, options_.slot), log_, 0,
                                                   deliver::Delivery::Of::queue)),
      to_(made_to_.get()) {
  memory_.commit();
  (void)prepare();
}

bool DiskQueue::is_empty(const state::Memory& memory, const std::string& source,
                         const std::string& handler) {
  const auto bytes = memory.find(record_name(source, handler));
  if (bytes.empty()) return true;
  if (bytes.size() != sizeof(State)) throw state::Damaged("a queue's record has another size");
  const auto& state = *reinterpret_cast<const State*>(bytes.data());
  return state.next == state.fed &&
         deliver::Delivery::is_settled(memory, source, handler, deliver::Delivery::Of::queue);
}

// Its files go by its source's name, so a source of which there are any keeps that.
void DiskQueue::rename(state::Memory& memory, const std::string& from, const std::string& to,
                       const std::string& handler) {
  if (const auto record = record_name(from, handler); memory.has_record(record))
    memory.rename_record(record, record_name(to, handler));
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
  if (const auto record = record_name(source, handler); memory.has_record(record))
    memory.remove_record(record);
  directory.remove(state::Kind::queue, name);
  return true;
}

// ---- begin

// false: it is tried again, since what is there must be neither overlooked nor written over.
bool DiskQueue::prepare() try {
  if (state_->begun)
    recover();
  else
    begin();
  // It was an overflow, and is configured now.
  if (!options_.is_overflow && !state_->armed) state_.edit().armed = 1;
  memory_.commit();
  from_.set_queued(state_->armed != 0);
  if (options_.is_overflow && is_armed()) reports_.was_armed();
  marked_ = settled_number();
  marked_at_ = needs_.clock.steady();
  retry_at_.reset();
  reports_.takes_again();
  return is_prepared_ = true;
} catch (const Failure& failure) {
  files_.forget_all();
  file_.reset();
  from_.set_queued(true);
  retry_at_ = needs_.clock.steady() + kQueueRetry;
  reports_.failed("what an earlier run left cannot be found: " + std::string(failure.what()),
                  failure.help());
  return false;
}

// A new run: all whole records are what is there.
void DiskQueue::begin() {
  State state{.begun = 1,
              .others = from_.saved(),
              .segment = 0,
              .end_bytes = 0,
              .next = 1,
              .fed = 1,
              .read_segment = 0,
              .read_offset = 0,
              .boundary = 0,
              .skipped = 0,
              .armed = 0,
              .since_ns = static_cast<std::uint64_t>(needs_.clock.steady().count())};
  files_.find();
  while (!files_.empty() && !open_last(state)) {
  }
  state.fed = state.next;
  if (!files_.empty()) {
    state.read_segment = files_.first();
    state.fed = std::min(state.read_segment + done_of(state.read_segment), state.next);
    state.armed = 1;
  }
  state_.edit() = state;
  from_.bring_saved(in_files());
  if (const auto count = in_files())
    needs_.reporter.info(name() + ": " + counted(count, "message") + " of an earlier run " +
                         (count == 1 ? "waits" : "wait") + " in " + folder() + ", and " +
                         (count == 1 ? "comes" : "come") + " first");
}

// The last segment tells where the queue ends. false: it is none of this queue's.
bool DiskQueue::open_last(State& state) try {
  const auto first = files_.last();
  auto file = log::DiskLog::open(files_.path(first), log::DiskLog::Access::append);
  const auto last = file.last();
  const auto record = last ? deliver::QueueRecord::read(*last) : std::nullopt;
  if (record && (record->number < first || record->number - first >= file.bytes())) {
    set_aside(first, Failure(file.path() + " has messages of other numbers than its name says"));
    return false;
  }
  state.segment = first;
  state.end_bytes = files_[first].bytes = file.bytes();
  state.next = record ? record->number + 1 : first + file.records();
  if (const auto damage = file.recovery().text(); !damage.empty())
    needs_.reporter.warning("damaged", file.path() + ": " + damage,
                            "what was damaged is in the account, as dropped (damaged)");
  file_.emplace(std::move(file));
  return true;
} catch (const Failure& failure) {
  state.next = files_.last();
  if (const auto trouble = files_.segments().passing_trouble(state.next)) throw Failure(*trouble);
  set_aside(state.next, failure);
  return true;
}

void DiskQueue::set_aside(std::uint64_t first, const Failure& failure) {
  const auto aside = files_.segments().set_aside(first);
  if (aside.empty()) throw failure.in("in the way, and cannot be renamed");
  files_.forget(first);
  needs_.reporter.error("damaged",
                        name() + ": " + failure.what() + ": it is " + aside +
                            " now, and its messages are not delivered",
                        failure.help());
}

// How many of its messages an earlier run was through with.
std::uint64_t DiskQueue::done_of(std::uint64_t first) try {
  if (file_ && first == files_.last()) return file_->done();
  return files_.open(first).done();
} catch (const Failure&) {
  if (const auto trouble = files_.segments().passing_trouble(first)) throw Failure(*trouble);
  return 0;  // reading meets it again
}

// The run goes on: what is committed is what is there. A batch that was being written begins where
// that ends.
void DiskQueue::recover() {
  if (log_.incomplete_bytes() > 0) log_.drop_incomplete();
  const auto& segments = files_.segments();
  for (const auto first : segments.find()) {
    const auto from = first < state_->read_segment ? 0 : state_->boundary;
    const auto to = first < state_->read_segment ? from : log_.end().position.bytes;
    if (first >= state_->next || state_->read_segment == 0)
      (void)segments.remove(first);
    else if (first <= state_->read_segment)
      files_[first] = {segments.bytes(first), from, std::max(to, state_->boundary)};
    else
      files_[first] = {segments.bytes(first)};
  }
  if (state_->segment != 0) reopen();
}

void DiskQueue::reopen() try {
  // Nobody knows what the worker before synced.
  if (options_.queue.sync > Nanoseconds(0)) unsynced_.wrote(state_->fed, needs_.clock.steady());
  files_[state_->segment].bytes = state_->end_bytes;
  file_.emplace(log::DiskLog::resume(files_.path(state_->segment), state_->end_bytes));
} catch (const Failure& failure) {
  needs_.reporter.error("queue", name() + ": " + failure.what(), failure.help());
}

// ---- a step

DiskQueue::Step DiskQueue::advance(bool feeds) {
  Step step;
  if (!is_armed()) return step;
  if (!is_prepared_ && (needs_.clock.steady() < *retry_at_ || !prepare())) return step;
  if (batch_ && take_done()) step.moved = step.more = true;
  trim(step);
  // Where the handler keeps up, the writer has work again before the handler has.
  if (!feeds) written_.clear();
  if (!batch_ && !written_.empty()) move(step);
  if (!written_.empty()) feed_written(step);
  if (feeds && is_armed()) feed(step);
  if (!batch_) move(step);
  memory_.commit();
  if (const auto due = mark_due(); due && !batch_ && needs_.clock.steady() >= *due) post_mark();
  return step;
}

std::optional<Nanoseconds> DiskQueue::wake_at() const {
  std::optional<Nanoseconds> at;
  const auto by = [&](std::optional<Nanoseconds> when) {
    if (when) at = std::min(at.value_or(*when), *when);
  };
  if (!is_armed()) return at;
  if (log_.waits_for_arena() && in_files() > 0) by(needs_.clock.steady() + kMemoryRetry);
  by(read_retry_at_);
  if (batch_) return at;
  by(retry_at_ ? retry_at_ : sync_due());
  by(drain_until_);
  if (!is_prepared_) return at;
  by(mark_due());
  if (is_pressed_) by(needs_.clock.steady() + kStuckRetry);
  if (drained_since_) by(*drained_since_ + kRetiredAfter);
  return at;
}

// ---- source's log -> files

// false: the writer is not through with its batch.
bool DiskQueue::take_done() {
  auto done = needs_.writer.take(this);
  if (!done) return false;
  complete(std::move(*done));
  return true;
}

// Whether what comes is to go to the files now.
bool DiskQueue::takes() const {
  return !options_.is_overflow || (is_armed() && (is_pressed_ || in_files() > 0));
}

void DiskQueue::move(Step& step) {
  const auto now = needs_.clock.steady();
  if (retry_at_ && now < *retry_at_) return;
  retry_at_.reset();
  const auto due = sync_due();
  if (due && now < *due && is_to_drain(now)) return;
  if (due && (now >= *due || rolls())) return post({.sync = QueueWriter::Sync::yes}, {});
  if (!takes() || !from_.has_all()) return;  // what an output has of a time without a queue
  from_.skip_unwanted();
  if (!(from_.settled() < from_.log().end())) return release();
  QueueWriter::Job job;
  Batch batch;
  if (!gather(job, batch)) return make_room(step);
  if (options_.queue.sync == deliver::QueueOptions::kAlways) job.sync = QueueWriter::Sync::yes;
  post(std::move(job), batch);
}

// A full segment of which the handler has had most, and is about to have the rest: when it is
// through with that the segment is deleted, and nothing of it is written to the disk.
bool DiskQueue::is_to_drain(Nanoseconds now) {
  const auto half = state_->segment + (state_->next - state_->segment) / 2;
  const bool keeps_up = in_files() == 0 || !written_.empty();
  if (!rolls() || !keeps_up || settled_number() < half) {
    drain_until_.reset();
    return false;
  }
  if (!drain_until_) drain_until_ = now + kDrainMost;
  return now < *drain_until_;
}

// For messages, and for bytes.
std::pair<std::uint64_t, std::uint64_t> DiskQueue::room() const {
  const auto left = [](std::uint64_t most, std::uint64_t now) {
    return most - std::min(most, now);
  };
  const auto& queue = options_.queue;
  if (!options_.is_overflow)
    return {left(queue.messages_max, waiting()), left(queue.size_max, bytes())};
  const auto header = rolls() ? log::kFileHeaderBytes + log::kBatchHeadBytes : 0;
  return {~std::uint64_t{0}, left(queue.size_max, overflowed_ + header)};
}

// false: there is no room for any.
bool DiskQueue::gather(QueueWriter::Job& job, Batch& batch) {
  if (options_.is_overflow) overflowed_ = needs_.overflowed();
  const auto waits = waiting();
  const auto [messages_most, bytes_most] = room();
  QueueGather gathered(from_, state_->next,
                       {.messages = messages_most,
                        .bytes = bytes_most,
                        .batch_bytes = kMovedBytes,
                        // One that is larger than the whole queue finds room in an empty one.
                        .lets_one_in = !options_.is_overflow && waits == 0});
  batch.messages = gathered.messages();
  batch.bytes = gathered.bytes();
  batch.end = gathered.end();
  job.runs = gathered.take_runs();
  return batch.messages > 0;
}

bool DiskQueue::rolls() const {
  return state_->segment == 0 ||
         state_->end_bytes >=
             std::clamp(options_.queue.size_max / kSegmentsAQueue, kSegmentLeast, kSegmentMost);
}

void DiskQueue::post(QueueWriter::Job job, const Batch& batch) try {
  drain_until_.reset();
  batch_ = batch;
  const bool is_new = batch.messages > 0 && rolls();
  batch_->segment = is_new ? state_->next : state_->segment;
  if (is_new)
    job.before = [segments = files_.segments()] { segments.make_folder(); };
  else
    job.file = std::exchange(file_, std::nullopt);
  batch_->reopens = !is_new && !job.file;
  job.path = files_.path(batch_->segment);
  job.end = is_new ? 0 : state_->end_bytes;
  needs_.writer.post(this, std::move(job));
} catch (const Failure& failure) {
  complete({.failure = failure});
}

void DiskQueue::complete(QueueWriter::Done done) {
  const auto batch = *std::exchange(batch_, std::nullopt);
  if (batch.is_mark) return;
  if (done.is_gone) return begin_another(std::move(done.file));
  if (state_->fed == state_->next) written_ = std::move(done.runs);
  const bool is_of_segment = batch.segment == state_->segment;
  if (is_of_segment || !done.failure) file_ = std::move(done.file);
  if (done.failure) {
    written_.clear();
    return fail(*done.failure, batch);
  }
  retry_at_.reset();
  if (batch.messages > 0 || reports_.has_failed()) reports_.takes_again();
  if (batch.messages == 0) return unsynced_.reset();
  from_.save_before(batch.end);
  if (options_.queue.sync > Nanoseconds(0)) unsynced_.wrote(state_->next, needs_.clock.steady());
  auto& state = state_.edit();
  state.segment = batch.segment;
  state.end_bytes = files_[batch.segment].bytes = done.end;
  state.next += batch.messages;
  if (state.read_segment == 0) {
    state.read_segment = batch.segment;
    state.read_offset = 0;
    auto& file = files_[batch.segment];
    file.log_begin = file.log_end = log_.end().position.bytes;
  }
  memory_.commit();
}

// Tried again, and a sync as well: the file writes again what is in doubt.
void DiskQueue::fail(const Failure& failure, const Batch& batch) {
  retry_at_ = needs_.clock.steady() + kQueueRetry;
  if (!file_) unsynced_.reset();
  if (batch.reopens && !file_) {  // what it has may be read all the same; what comes begins another
    auto& state = state_.edit();
    state.segment = state.end_bytes = 0;
  }
  const std::string why(failure.what());
  reports_.failed(batch.messages > 0 ? why
                                     : why +
                                           ": what was written since the last sync may not survive "
                                           "a failure of power",
                  failure.help());
}

// The segment that was written to has been removed by somebody else. What it has can be read as
// long as it is open.
void DiskQueue::begin_another(std::optional<log::DiskLog> lost) {
  needs_.reporter.warning("queue",
                          name() + ": " + files_.path(state_->segment) +
                              " was removed while it was in use: what it has is delivered if this "
                              "worker lives so long, and what comes goes to another file",
                          "keep cleaners away from data_dir");
  files_.lose(state_->segment, std::move(lost),
              state_->read_segment == state_->segment ? log_.end() : log_.trimmed());
  auto& state = state_.edit();
  state.segment = state.end_bytes = 0;
  unsynced_.reset();
}

std::optional<Nanoseconds> DiskQueue::sync_due() const {
  if (unsynced_.empty()) return std::nullopt;
  return *unsynced_.since() + options_.queue.sync;
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
  memory_.commit();
  reports_.dropped();
  step.moved = step.more = true;
}

// First what lies in the log and is in nobody's hands, then what is next in the files, and then
// what can be taken back of outputs. What is in the plugin's hands stays, and makes no room.
void DiskQueue::drop_oldest() {
  if (to_->drop_before(log_.end(), deliver::Reason::queue_full) > 0) {
    has_recalled_ = false;
    return;
  }
  if (in_files() == 0) {
    wants_recall_ = !std::exchange(has_recalled_, !has_recalled_);
    if (!wants_recall_) (void)drop_waiting();
    return;
  }
  const bool is_in_old = state_->read_segment != state_->segment;
  if (is_in_old && bytes() + kMovedBytes > options_.queue.size_max)
    return end_segment(deliver::Reason::queue_full);
  const auto part = std::max<std::uint64_t>(1, in_files() / kOldestPart);
  pass_over(std::min(state_->next, state_->fed + part), deliver::Reason::queue_full);
}

// What has come and is not in the files.
std::uint64_t DiskQueue::drop_waiting() {
  return from_.drop_before(from_.log().end(), deliver::Reason::queue_full);
}

bool DiskQueue::give_way() {
  const bool drops = options_.queue.when_full != WhenFull::block && from_.has_all();
  if (batch_ || !reports_.has_failed() || !drops || drop_waiting() == 0) return false;
  memory_.commit();
  reports_.dropped();
  return true;
}

bool DiskQueue::is_moved() const { return !batch_ && !(from_.settled() < from_.log().end()); }

// ---- the end of segments

void DiskQueue::trim(Step& step) {
  to_->skip_unwanted();
  if (const auto lowest = to_->settled(); lowest != log_.trimmed()) log_.trim(lowest);
  memory_.commit();
  files_.remove_passed(state_->read_segment ? state_->read_segment : state_->next,
                       log_.trimmed().position.bytes, state_->segment);
  unsynced_.passed(settled_number(), state_->next);
  const bool is_drained = !batch_ && state_->next == state_->fed && log_.empty();
  if (options_.is_overflow) {
    if (!is_drained || is_pressed_ || state_->others > 0) return;
    disarm();
    step.fed = step.moved = true;
    return;
  }
  if (!is_drained || files_.empty()) return drained_since_.reset();
  const auto now = needs_.clock.steady();
  if (!drained_since_) drained_since_ = now;
  if (rolls() || now >= *drained_since_ + kRetiredAfter) retire();
}

// The handler has all, so it gets what comes from the source's log again.
void DiskQueue::disarm() {
  state_.edit().armed = 0;
  retire();
  from_.set_queued(false);
  retry_at_.reset();
  reports_.disarmed();
}

void DiskQueue::press(const std::string& why, const std::string& help) {
  is_pressed_ = true;
  if (is_armed()) return;
  auto& state = state_.edit();
  state.armed = 1;
  state.since_ns = static_cast<std::uint64_t>(needs_.clock.steady().count());
  memory_.commit();
  from_.set_queued(true);
  reports_.armed(why, help);
}

// All of it was handled: nothing of it may come again.
void DiskQueue::retire() {
  auto& state = state_.edit();
  state.segment = state.end_bytes = state.read_segment = state.read_offset = 0;
  memory_.commit();
  file_.reset();
  files_.close();
  unsynced_.reset();
  drained_since_.reset();
  drain_until_.reset();
  files_.remove_before(state_->next);
}

// The number of the first message that the handler is not through with, or one before it.
std::uint64_t DiskQueue::settled_number() const {
  const auto unsettled = (log_.end().sequence - to_->settled().sequence) + state_->skipped;
  return state_->fed - std::min(state_->fed - 1, unsettled);
}

// How far the handler is, if the header of the first segment can say that, and does not yet.
std::optional<std::uint64_t> DiskQueue::markable() const {
  const auto settled = settled_number();
  if (settled <= marked_ || settled >= state_->next || files_.empty()) return std::nullopt;
  return files_.that_has(settled) == files_.first() ? std::optional(settled) : std::nullopt;
}

std::optional<Nanoseconds> DiskQueue::mark_due() const {
  return markable() ? std::optional(marked_at_ + kMarkedEach) : std::nullopt;
}

void DiskQueue::post_mark() try {
  const auto first = files_.first();
  marked_ = *markable();
  marked_at_ = needs_.clock.steady();
  needs_.writer.post(this, {.mark = QueueWriter::Mark{
                                files_.path(first), static_cast<std::uint32_t>(marked_ - first)}});
  batch_ = {.is_mark = true};
} catch (const Failure&) {  // it comes the next time
}

// Nobody can read it after this worker. Where older files are there, the next run sees a gap.
void DiskQueue::end_lost() {
  const auto& lost = *files_.lost();
  if (files_.empty() || files_.first() != lost.first) return;
  const auto count = to_->drop_before(lost.end, deliver::Reason::damaged);
  memory_.commit();
  if (count > 0)
    needs_.reporter.error("damaged", name() + ": " + counted(count, "message") + " of " +
                                         lost.file.path() +
                                         ", which was removed, could not be delivered in time: "
                                         "dropped (damaged)");
  if (state_->read_segment == lost.first) end_segment(deliver::Reason::damaged);
  files_.forget(lost.first);
}

void DiskQueue::finish() try {
  if (!is_armed()) return;
  if (batch_) complete(needs_.writer.wait(this));
  written_.clear();
  if (!is_prepared_) return;
  if (files_.lost()) end_lost();
  to_->skip_unwanted();
  memory_.commit();
  const auto settled = settled_number();
  if (settled >= state_->next) return files_.empty() ? void() : retire();
  if (file_)
    if (auto failure = file_->sync()) throw Failure(*failure);
  const auto first = files_.that_has(settled);
  if (!first) return;  // those files are gone
  files_.remove_before(*first);
  if (auto failure =
          log::DiskLog::set_done(files_.path(*first), static_cast<std::uint32_t>(settled - *first)))
    throw Failure(*failure);
  needs_.reporter.info(name() + ": " + counted(waiting(), "message waits", "messages wait") +
                       " in " + folder() + " for the next start");
} catch (const Failure& failure) {
  needs_.reporter.error("queue", name() + ": " + failure.what(), failure.help());
}

// ---- what it says of itself

std::uint64_t DiskQueue::waiting() const {
  return in_files() + to_->tally().matched - to_->tally().settled();
}

void DiskQueue::check_invariants() const {
  log_.check_invariants();
  INVARIANT(is_armed() || (in_files() == 0 && !batch_ && log_.empty()), name(), state_->next,
            state_->fed);
  INVARIANT(!state_->begun || from_.saved() == state_->others + in_files(), name(), from_.saved(),
            state_->others, state_->next, state_->fed);
}

}  // namespace standpipe::worker
