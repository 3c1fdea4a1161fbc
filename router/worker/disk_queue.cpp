// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "deliver/remaining.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;
using WhenFull = deliver::QueueOptions::WhenFull;

constexpr std::uint64_t kMovedBytes = 256 * KiB;  // a job, as a turn from a FIFO
constexpr std::uint64_t kRecordBytes = 64;        // what a message takes besides its frame, at most
constexpr Nanoseconds kQueueRetry = 5s;           // after a failure of the disk
constexpr Nanoseconds kMemoryRetry = 20ms;        // while memory is short
constexpr Nanoseconds kStuckRetry = 1s;           // of an overflow that others have filled
constexpr std::uint64_t kSegmentLeast = 128 * KiB, kSegmentMost = 16 * MiB;
constexpr std::uint64_t kSegmentsAQueue = 8;
// A queue that has been empty for so long gives its last segment back, so that nothing of it comes
// again after the death of all.
constexpr Nanoseconds kRetiredAfter = 1s;
constexpr std::uint64_t kOldestPart = 8;  // of a full queue, that is dropped at once

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
      segments_(options_.data_dir, options_.source, options_.handler),
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
  if (state_->begun)
    recover();
  else
    begin();
  // It was an overflow, and is configured now.
  if (!options_.is_overflow && !state_->armed) state_.edit().armed = 1;
  memory_.commit();
  from_.set_queued(state_->armed != 0);
  is_arming_reported_ = options_.is_overflow && is_armed();  // by whoever was before
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

// A new run: all whole records are what is there.
void DiskQueue::begin() try {
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
  for (const auto first : segments_.find()) sizes_[first] = segments_.bytes(first);
  if (!sizes_.empty()) {
    const auto first = sizes_.begin()->first;
    open_last(state, sizes_.rbegin()->first);
    state.read_segment = first;
    state.fed = std::min(first + done_of(first), state.next);
    state.armed = 1;
  }
  state_.edit() = state;
  from_.bring_saved(in_files());
  if (const auto count = in_files())
    needs_.reporter.info(name() + ": " + counted(count, "message") + " of an earlier run " +
                         (count == 1 ? "waits" : "wait") + " in " + folder() + ", and " +
                         (count == 1 ? "comes" : "come") + " first");
} catch (const Failure& failure) {
  state_.edit() = {1, from_.saved(), 0, 0, 1, 1, 0, 0, 0, 0, 0, 0};
  needs_.reporter.error("queue",
                        name() + ": cannot look for what an earlier run left: " + failure.what(),
                        failure.help());
}

void DiskQueue::open_last(State& state, std::uint64_t first) try {
  state.next = first;
  auto file = log::DiskLog::open(segments_.path(first), log::DiskLog::Access::append);
  state.segment = first;
  state.end_bytes = sizes_[first] = file.bytes();
  const auto last = file.last();
  const auto record = last ? deliver::QueueRecord::read(*last) : std::nullopt;
  state.next = record ? record->number + 1 : first + file.records();
  if (const auto damage = file.recovery().text(); !damage.empty())
    needs_.reporter.warning("damaged", file.path() + ": " + damage,
                            "what was damaged is in the account, as dropped (damaged)");
  file_.emplace(std::move(file));
} catch (const Failure& failure) {
  sizes_.erase(first);
  const auto aside = segments_.set_aside(first);
  needs_.reporter.error("damaged",
                        name() + ": " + failure.what() + ": it is " + aside +
                            " now, and its messages are not delivered",
                        failure.help());
}

// How many of its messages an earlier run was through with.
std::uint64_t DiskQueue::done_of(std::uint64_t first) try {
  if (file_ && first == sizes_.rbegin()->first) return file_->done();
  reader_.emplace(log::DiskLog::open(segments_.path(first), log::DiskLog::Access::read));
  reader_segment_ = first;
  return reader_->done();
} catch (const Failure&) {
  return 0;  // reading meets it again
}

// The run goes on: what is committed is what is there. A batch that was being written begins where
// that ends.
void DiskQueue::recover() try {
  if (log_.incomplete_bytes() > 0) log_.drop_incomplete();
  for (const auto first : segments_.find()) {
    if (first >= state_->next || state_->read_segment == 0)
      (void)segments_.remove(first);
    else
      sizes_[first] = segments_.bytes(first);
  }
  if (state_->segment == 0) return;
  file_.emplace(log::DiskLog::resume(segments_.path(state_->segment), state_->end_bytes));
  sizes_[state_->segment] = state_->end_bytes;
} catch (const Failure& failure) {
  needs_.reporter.error("queue", name() + ": " + failure.what(), failure.help());
}

// ---- a step

DiskQueue::Step DiskQueue::advance(bool feeds) {
  Step step;
  if (!is_armed()) return step;
  if (batch_) {
    if (auto done = needs_.writer.take(this)) {
      complete(std::move(*done));
      step.moved = step.more = true;
    }
  }
  trim(step);
  if (feeds && is_armed()) feed(step);
  if (!batch_) move(step);
  memory_.commit();
  return step;
}

std::optional<Nanoseconds> DiskQueue::wake_at() const {
  std::optional<Nanoseconds> at;
  const auto by = [&](std::optional<Nanoseconds> when) {
    if (when) at = std::min(at.value_or(*when), *when);
  };
  if (!is_armed()) return at;
  if (log_.waits_for_arena() && in_files() > 0) by(needs_.clock.steady() + kMemoryRetry);
  if (batch_) return at;
  by(sync_due());
  by(retry_at_);
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
  const auto now = needs_.clock.steady();
  if (retry_at_ && now < *retry_at_) return;
  const auto due = sync_due();
  if (due && (now >= *due || rolls())) return post({.sync = QueueWriter::Sync::yes}, {});
  if (!takes() || !from_.has_all()) return;  // what an output has of a time without a queue
  from_.skip_unwanted();
  if (!(from_.settled() < from_.log().end())) return release();
  QueueWriter::Job job;
  Batch batch;
  if (!gather(job, batch)) return make_room(step);
  stuck_.clear();
  if (std::exchange(is_stuck_reported_, false))
    needs_.reporter.info(name() + (options_.is_overflow ? ": its overflow takes messages again"
                                                        : ": its queue takes messages again"));
  if (options_.queue.sync == deliver::QueueOptions::kAlways) job.sync = QueueWriter::Sync::yes;
  post(std::move(job), batch);
}

// false: there is no room for any.
bool DiskQueue::gather(QueueWriter::Job& job, Batch& batch) {
  const deliver::Delivery* const deliveries[] = {&from_};
  deliver::Remaining rest(deliveries);
  if (options_.is_overflow) overflowed_ = needs_.overflowed();
  std::uint64_t bytes = 0;
  while (const auto message = rest.next()) {
    const auto takes = message->frame.size() + message->fields.size() + kRecordBytes;
    if (is_full_with(batch.messages + 1, bytes + takes)) break;
    if (bytes > 0 && bytes + takes > kMovedBytes) break;
    const deliver::QueueRecord record{state_->next + batch.messages, message->at.sequence.number,
                                      message->accepted_ns};
    job.records.push_back({record.meta(), message->frame, message->fields});
    bytes += takes;
    batch.bytes = bytes;
    ++batch.messages;
    batch.end = {message->at.position + message->frame.size(), message->at.sequence + 1};
  }
  return batch.messages > 0;
}

// A message that is larger than the whole queue finds room in an empty one.
bool DiskQueue::is_full_with(std::uint64_t messages, std::uint64_t more) const {
  if (options_.is_overflow) {
    const auto header = rolls() ? log::kFileHeaderBytes + log::kBatchHeadBytes : 0;
    return overflowed_ + header + more > options_.queue.size_max;
  }
  if (messages == 1 && waiting() == 0) return false;
  return waiting() + messages > options_.queue.messages_max ||
         bytes() + more > options_.queue.size_max;
}

bool DiskQueue::rolls() const {
  return state_->segment == 0 ||
         state_->end_bytes >=
             std::clamp(options_.queue.size_max / kSegmentsAQueue, kSegmentLeast, kSegmentMost);
}

void DiskQueue::post(QueueWriter::Job job, const Batch& batch) try {
  batch_ = batch;
  const bool is_new = batch.messages > 0 && rolls();
  batch_->segment = is_new ? state_->next : state_->segment;
  if (is_new)
    segments_.make_folder();
  else
    job.file = std::exchange(file_, std::nullopt);
  batch_->reopens = !is_new && !job.file;
  job.path = segments_.path(batch_->segment);
  job.end = is_new ? 0 : state_->end_bytes;
  needs_.writer.post(this, std::move(job));
} catch (const Failure& failure) {
  complete({.failure = failure});
}

void DiskQueue::complete(QueueWriter::Done done) {
  const auto batch = *std::exchange(batch_, std::nullopt);
  const auto now = needs_.clock.steady();
  if (done.failure) {
    retry_at_ = now + kQueueRetry;
    unsynced_since_.reset();
    if (batch.reopens) {  // what it has may be read all the same; what comes begins another
      auto& state = state_.edit();
      state.segment = state.end_bytes = 0;
    }
    return report_stuck(batch.messages > 0
                            ? std::string(done.failure->what())
                            : done.failure->what() + std::string(": what was written since the "
                                                                 "last sync may not survive a "
                                                                 "failure of power"),
                        done.failure->help());
  }
  retry_at_.reset();
  if (batch.segment == state_->segment || batch.messages > 0) file_ = std::move(done.file);
  if (batch.messages == 0) return unsynced_since_.reset();
  from_.save_before(batch.end);
  auto& state = state_.edit();
  state.segment = batch.segment;
  state.end_bytes = sizes_[batch.segment] = done.end;
  state.next += batch.messages;
  if (state.read_segment == 0) {
    state.read_segment = batch.segment;
    state.read_offset = 0;
  }
  memory_.commit();
  if (options_.queue.sync > Nanoseconds(0) && !unsynced_since_) unsynced_since_ = now;
}

std::optional<Nanoseconds> DiskQueue::sync_due() const {
  if (!unsynced_since_) return std::nullopt;
  return *unsynced_since_ + options_.queue.sync;
}

// It is full.
void DiskQueue::make_room(Step& step) {
  if (options_.is_overflow)
    return report_stuck("what overflows fills all that may (" + size_text(options_.queue.size_max) +
                            " for all handlers)",
                        "remove the cause, or raise `overflow_max`");
  if (options_.queue.when_full == WhenFull::block)
    return report_stuck("it holds all that it may (" + counted(waiting(), "message") + ", " +
                            size_text(bytes()) + ")",
                        "raise `queue: { max_size, max_messages }` of handler " + options_.handler);
  if (options_.queue.when_full == WhenFull::drop_newest)
    (void)from_.drop_before(from_.log().end(), deliver::Reason::queue_full);
  else
    drop_oldest();
  memory_.commit();
  std::uint64_t left_out = 0;
  if (reports_.allow(needs_.clock.steady(), left_out))
    needs_.reporter.warning(
        "queue_full",
        name() +
            ": its queue holds all that it may, so messages are dropped "
            "(queue_full)",
        "raise `queue: { max_size, max_messages }` of handler " + options_.handler);
  step.moved = step.more = true;
}

// First what lies in the log and is in nobody's hands, then what is next in the files.
void DiskQueue::drop_oldest() {
  if (to_->drop_before(log_.end(), deliver::Reason::queue_full) > 0) return;
  const bool is_in_old = state_->read_segment != state_->segment;
  if (is_in_old && bytes() + kMovedBytes > options_.queue.size_max)
    return end_segment(deliver::Reason::queue_full);
  const auto part = std::max<std::uint64_t>(1, in_files() / kOldestPart);
  pass_over(std::min(state_->next, state_->fed + part), deliver::Reason::queue_full);
}

bool DiskQueue::is_moved() const { return !batch_ && !(from_.settled() < from_.log().end()); }

// ---- the end of segments

void DiskQueue::trim(Step& step) {
  to_->skip_unwanted();
  if (const auto lowest = to_->settled(); lowest != log_.trimmed()) log_.trim(lowest);
  memory_.commit();
  if (log_.trimmed().position.bytes >= state_->boundary) remove_before(state_->read_segment);
  const bool is_drained = !batch_ && state_->next == state_->fed && log_.empty();
  if (options_.is_overflow) {
    if (!is_drained || is_pressed_ || state_->others > 0) return;
    disarm();
    step.fed = step.moved = true;
    return;
  }
  if (!is_drained || sizes_.empty()) return drained_since_.reset();
  const auto now = needs_.clock.steady();
  if (!drained_since_) drained_since_ = now;
  if (rolls() || now >= *drained_since_ + kRetiredAfter) retire();
}

// The handler has all, so it gets what comes from the source's log again.
void DiskQueue::disarm() {
  state_.edit().armed = 0;
  retire();
  from_.set_queued(false);
  stuck_.clear();
  retry_at_.reset();
  stuck_reminder_ = {};
  is_stuck_reported_ = false;
  if (std::exchange(is_arming_reported_, false))
    needs_.reporter.info(name() + ": all that overflowed to the disk is delivered");
}

void DiskQueue::press(const std::string& why, const std::string& help) {
  is_pressed_ = true;
  if (is_armed()) return;
  auto& state = state_.edit();
  state.armed = 1;
  state.since_ns = static_cast<std::uint64_t>(needs_.clock.steady().count());
  memory_.commit();
  from_.set_queued(true);
  report_armed(why, help);
}

// All of it was handled: nothing of it may come again.
void DiskQueue::retire() {
  auto& state = state_.edit();
  state.segment = state.end_bytes = state.read_segment = state.read_offset = 0;
  memory_.commit();
  file_.reset();
  reader_.reset();
  unsynced_since_.reset();
  drained_since_.reset();
  remove_before(state_->next);
}

void DiskQueue::remove_before(std::uint64_t first) {
  while (!sizes_.empty() && sizes_.begin()->first < first) {
    const auto old = sizes_.begin()->first;
    if (reader_segment_ == old) reader_.reset();
    if (const int error = segments_.remove(old))
      needs_.reporter.warning("queue",
                              Failure::system("delete " + segments_.path(old), error).what());
    sizes_.erase(old);
  }
}

// The number of the first message that the handler is not through with, or one before it.
std::uint64_t DiskQueue::settled_number() const {
  const auto unsettled = (log_.end().sequence - to_->settled().sequence) + state_->skipped;
  return state_->fed - std::min(state_->fed - 1, unsettled);
}

void DiskQueue::finish() try {
  if (!is_armed()) return;
  if (batch_) complete(needs_.writer.wait(this));
  to_->skip_unwanted();
  memory_.commit();
  const auto settled = settled_number();
  if (settled >= state_->next) return sizes_.empty() ? void() : retire();
  if (file_)
    if (auto failure = file_->sync()) throw Failure(*failure);
  auto keep = sizes_.upper_bound(settled);
  if (keep == sizes_.begin()) return;  // those files are gone
  --keep;
  const auto first = keep->first;
  remove_before(first);
  if (auto failure = log::DiskLog::set_done(segments_.path(first),
                                            static_cast<std::uint32_t>(settled - first)))
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

std::uint64_t DiskQueue::bytes() const {
  std::uint64_t sum = 0;
  for (auto at = sizes_.lower_bound(state_->read_segment); at != sizes_.end(); ++at)
    sum += at->second;
  return sum;
}

std::uint64_t DiskQueue::bytes_on_disk() const {
  std::uint64_t sum = batch_ ? batch_->bytes : 0;
  for (const auto& [first, bytes] : sizes_) sum += bytes;
  return sum;
}

void DiskQueue::report_armed(const std::string& why, const std::string& help) {
  std::uint64_t left_out = 0;
  if (!armings_.allow(needs_.clock.steady(), left_out)) return;
  is_arming_reported_ = true;
  needs_.reporter.warning("overflow",
                          options_.source + ": the log is full of what waits for " +
                              options_.handler + ", which " + why + ": from now on it goes to " +
                              folder() + ", and the other handlers continue",
                          help);
}

void DiskQueue::report_stuck(const std::string& why, const std::string& help) {
  std::uint64_t left_out = 0;
  if (options_.is_overflow) {
    stuck_ = why;
    if (!stuck_reminder_.is_due(needs_.clock.steady())) return;
    is_stuck_reported_ = true;
    return needs_.reporter.warning(
        "overflow",
        name() +
            ": no more of what waits for it goes to the disk, so the source is not read, and "
            "its writers wait: " +
            why,
        help);
  }
  if (std::exchange(stuck_, why) == why || !reports_.allow(needs_.clock.steady(), left_out)) return;
  is_stuck_reported_ = true;
  needs_.reporter.warning(
      "queue",
      name() +
          ": its queue takes no more, so messages wait in the source's log, and then its "
          "writers do: " +
          why,
      help);
}

void DiskQueue::check_invariants() const {
  log_.check_invariants();
  INVARIANT(is_armed() || (in_files() == 0 && !batch_ && log_.empty()), name(), state_->next,
            state_->fed);
  INVARIANT(from_.saved() == state_->others + in_files(), name(), from_.saved(), state_->others,
            state_->next, state_->fed);
}

}  // namespace standpipe::worker
