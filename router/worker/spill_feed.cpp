// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_feed.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "deliver/spill.h"
#include "log/meta_block.h"
#include "worker/spill_copy.h"

namespace standpipe::worker {

using deliver::SpillReader;

namespace {

constexpr std::size_t kFeedBytes = 256 * KiB;  // a turn, as from a FIFO

// The limit may have been lowered since it was written.
bool fits(const Intake& intake, const SpillQueue::Message& message) {
  frame::Frame frame;
  const auto scan = intake.codec().scan(message.frame, {&frame, 1});
  return scan.frames == 1 && frame.end == message.frame.size();
}

}  // namespace

SpillFeed::SpillFeed(state::Memory& memory, const std::string& data_dir, const std::string& source,
                     HandlerBits handlers, bool continues, Reporter& reporter)
    : memory_(memory),
      data_dir_(data_dir),
      source_(source),
      reporter_(reporter),
      persistent_(memory, "spill/" + source),
      handlers_(std::move(handlers)),
      files_(source, reporter),
      queue_(memory, persistent_.part(&SpillFeedRecord::at), files_) {
  memory_.commit();
  try {
    find(continues);
  } catch (const Failure& failure) {
    reporter_.error(
        "spill",
        source_ + ": cannot look for messages that an earlier run saved: " + failure.what(),
        failure.help());
  }
}

// Finds the files of an earlier run, and how far an earlier worker of this run was with them.
void SpillFeed::find(bool continues) {
  for (const auto& path : SpillReader::find(data_dir_, source_)) {
    const auto number = SpillReader::number_of(path);
    if (number == persistent_->spill)
      spilled_ = path;
    else
      queue_.add(path);
  }
  if (queue_.empty() || continues) return;
  const auto messages = queue_.messages();
  reporter_.info(source_ + ": " +
                 (messages ? counted(*messages, "message") : std::string("messages")) +
                 " that an earlier run could not deliver " +
                 (messages.value_or(0) == 1 ? "comes" : "come") + " first");
}

// ---- feeding

// The bytes after the log's end may be an incomplete run of ours. If everything was fed, they are
// the FIFO's.
void SpillFeed::recover(Intake& intake) {
  if (!ended() && queue_.front() && intake.log().incomplete_bytes() > 0) intake.drop_incomplete();
}

Turn SpillFeed::feed(Intake& intake) {
  const auto end = intake.log().end().position + kFeedBytes;
  while (intake.log().end().position < end) {
    if (ended() || !queue_.front()) {
      passed(intake.log().trimmed().position);  // files of which nothing was left to be fed
      return Turn::ended;
    }
    if (!feed_next(intake)) return Turn::full;
  }
  return Turn::more;
}

// The next message, and those after it that go the same way. false: there is no room.
bool SpillFeed::feed_next(Intake& intake) {
  const auto& message = *queue_.front();
  if (!fits(intake, message)) {
    pass_over(intake);
    return true;
  }
  if (!message.fields.empty()) return feed_described(intake);
  const auto set = set_of(intake, message);
  const auto room = intake.log().room(message.frame.size());
  return room.size() >= message.frame.size() && feed_run(intake, room, set);
}

// As many as have one accept time and one list of handlers. false: the index has no room now;
// nothing was done.
bool SpillFeed::feed_run(Intake& intake, std::span<std::byte> room,
                         std::span<const std::uint64_t> set) {
  const auto* message = queue_.front();
  const auto time = message->accepted_ns;
  const std::vector<std::string> handlers(message->handlers.begin(), message->handlers.end());
  std::size_t bytes = 0;
  std::uint32_t count = 0;
  do {
    std::memcpy(room.data() + bytes, message->frame.data(), message->frame.size());
    bytes += message->frame.size();
    ++count;
    message = queue_.advance();
  } while (message && message->fields.empty() && message->accepted_ns == time &&
           std::ranges::equal(message->handlers, handlers) && fits(intake, *message) &&
           bytes + message->frame.size() <= std::min(room.size(), kFeedBytes));
  intake.log().filled(bytes);
  if (!intake.append(bytes, count, time, set)) {
    queue_.back();
    return false;
  }
  note_fed(count, intake.log().end());
  memory_.commit();
  return true;
}

// A message with metadata, and that before it.
bool SpillFeed::feed_described(Intake& intake) {
  const auto& message = *queue_.front();
  log::MetaBlockWriter block;
  block.add_fields(message.fields);
  block.end_message();
  const auto bytes = message.frame.size();
  const auto set = set_of(intake, message);
  const auto room = intake.log().add_block(block.finish(), bytes, block.count());
  if (room.empty()) return false;
  std::memcpy(room.data(), message.frame.data(), bytes);
  const auto time = message.accepted_ns;
  queue_.advance();
  intake.log().filled(bytes);
  const bool appended = intake.append(bytes, 1, time, set);
  INVARIANT(appended, bytes);  // add_block made room for its index, too
  note_fed(1, intake.log().end());
  memory_.commit();
  return true;
}

void SpillFeed::pass_over(Intake& intake) {
  const auto& message = *queue_.front();
  const auto bytes = message.frame.size();
  std::uint64_t left_out = 0;
  if (intake.may_report(left_out))
    reporter_.warning("too_large",
                      source_ + ": a message of " + counted(bytes, "byte") +
                          " that an earlier run left is over the limit now: dropped (too_large)",
                      "raise `framing: { max_message_size: }` on this source");
  intake.drop(bytes, 1, set_of(intake, message), deliver::Reason::too_large);
  queue_.advance();
  note_fed(1, intake.log().end());
  memory_.commit();
}

// Which deliveries want it: bits, as in the log's index.
std::span<const std::uint64_t> SpillFeed::set_of(const Intake& intake,
                                                 const SpillQueue::Message& message) {
  return handlers_.set_of(message.handlers, intake.matcher().words());
}

// So many were taken and lie before `end`. Commit follows.
void SpillFeed::note_fed(std::uint64_t count, log::Cursor end) {
  auto& record = persistent_.edit();
  record.at.fed += count;
  record.skipped += end.position.bytes == record.after ? count : 0;
  record.after = end.position.bytes;
  record.after_number = end.sequence.number;
}

void SpillFeed::passed(log::Position trimmed) {
  if (!queue_.has_fed_files() || persistent_->left || trimmed.bytes < persistent_->after ||
      (is_saved_elsewhere_ && !is_saved_elsewhere_()))
    return;
  queue_.remove_fed();
}

void SpillFeed::cut(log::Position end) {
  if (ended()) return;
  persistent_.edit().cut = end.bytes + 1;
  memory_.commit();
  queue_.back();
}

// ---- the new one

SpillFeed::Spilled SpillFeed::spill(std::span<const deliver::Delivery* const> deliveries) try {
  Spilled result{.path = spilled_};
  if (persistent_->left) return result;
  if (!spilled()) write_new(deliveries, result);
  queue_.remove_all();
  return result;
} catch (const Failure&) {
  if (!spilled()) leave_old(deliveries);
  throw;
}

// Its number is known before the file has its name: the next worker finds that it is the new one.
void SpillFeed::write_new(std::span<const deliver::Delivery* const> deliveries, Spilled& result) {
  SpillCopy copy(data_dir_, source_, handlers_.names());
  const auto cut =
      persistent_->cut > 0 ? std::optional(log::Position{persistent_->cut - 1}) : std::nullopt;
  result.unfed = copy.write(deliveries, cut, queue_);
  if (!copy.has_file()) return;
  result.path = copy.path();
  persistent_.edit().spill = SpillReader::number_of(result.path);
  memory_.commit();
  copy.finish();
  spilled_ = result.path;
}

log::Cursor SpillFeed::comes_again_before() const {
  if (!persistent_->left || (queue_.empty() && !queue_.has_fed_files())) return {};
  return {{persistent_->after}, {persistent_->after_number}};
}

// The old files stay, because there is no room for a new one: what was delivered of them must not
// be delivered again. Where that is not known exactly (some were skipped), a message is delivered
// twice rather than not at all.
void SpillFeed::leave_old(std::span<const deliver::Delivery* const> deliveries) {
  auto lowest = persistent_->after_number;
  for (const auto* delivery : deliveries)
    lowest = std::min(lowest, delivery->settled().sequence.number);
  queue_.leave(persistent_->after_number - lowest + persistent_->skipped);
  persistent_.edit().left = 1;
}

}  // namespace standpipe::worker
