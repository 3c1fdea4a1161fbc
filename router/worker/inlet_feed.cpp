// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/text.h"
#include "worker/inlet.h"

// What an earlier run could not deliver, on its way into the log.
namespace standpipe::worker {
namespace {

constexpr std::size_t kFeedBytes = 256 * KiB;  // a turn, as from a FIFO

}  // namespace

Inlet::Turn Inlet::feed() {
  if (log_.partial_bytes() > 0) log_.drop_unindexed();  // an earlier worker died between two lines of feed_run
  const auto end = log_.end().position + kFeedBytes;
  while (log_.end().position < end) {
    const auto* message = spills_->front();
    if (!message) {
      spills_->passed(log_.trimmed().position);
      return Turn::more;
    }
    if (!fits(*message)) {
      pass_over();
      continue;
    }
    const auto room = log_.room(message->frame.size());
    if (room.size() < message->frame.size() || !feed_run(room)) return Turn::full;
  }
  return Turn::more;
}

// As many as have one accept time and one list of handlers. false: the index has no room now; nothing was done.
bool Inlet::feed_run(std::span<std::byte> room) {
  const auto* message = spills_->front();
  const auto time = message->accepted_ns;
  const std::vector<std::string> handlers(message->handlers.begin(), message->handlers.end());
  spills_->set_of(*message, set_);
  std::size_t bytes = 0;
  std::uint32_t count = 0;
  do {
    std::memcpy(room.data() + bytes, message->frame.data(), message->frame.size());
    bytes += message->frame.size();
    ++count;
    message = spills_->take();
  } while (message && message->accepted_ns == time && std::ranges::equal(message->handlers, handlers) && fits(*message) &&
           bytes + message->frame.size() <= std::min(room.size(), kFeedBytes));
  log_.filled(bytes);
  while (!log_.add_run(bytes, count, time, kConfiguration, set_)) {
    if (log_.make_room_for_index()) continue;
    log_.drop_unindexed();
    spills_->back();
    return false;
  }
  count_run(count, bytes, !matcher_.only_unmatched(set_));
  book();
  spills_->note_fed(count, log_.end());
  memory().commit();
  return true;
}

// The limit may have been lowered since.
bool Inlet::fits(const deliver::SpillReader::Message& message) const {
  frame::Frame frame;
  const auto scan = codec_->scan(message.frame, {&frame, 1});
  return scan.frames == 1 && frame.end == message.frame.size();
}

void Inlet::pass_over() {
  const auto& message = *spills_->front();
  std::uint64_t left_out = 0;
  if (trouble_.allow(clock_.steady(), left_out))
    reporter_.warning("too_large",
                      name() + ": a message of " + counted(message.frame.size(), "byte") +
                          " that an earlier run left is over the limit now: dropped (too_large)",
                      "raise `framing: { max_message_size: }` on this source");
  spills_->set_of(message, set_);
  count_run(1, message.frame.size(), !matcher_.only_unmatched(set_));
  book();
  for (std::size_t w = 0; w < set_.size(); ++w)
    for (auto rest = set_[w]; rest; rest &= rest - 1)
      deliveries_[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))]->edit_tally().drop(deliver::Reason::too_large, 1);
  spills_->take();
  spills_->note_fed(1, log_.end());
  memory().commit();
}

}  // namespace standpipe::worker
