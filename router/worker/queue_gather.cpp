// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_gather.h"

#include "base/invariant.h"
#include "frame/wire_scan.h"

namespace standpipe::worker {
namespace {

// Its first frame.
log::Piece first_of(const log::Piece& piece) {
  frame::Frame frame;
  const auto scan = frame::scan_wire(piece.bytes, {&frame, 1});
  INVARIANT(scan.frames == 1, piece.begin.position.bytes, piece.bytes.size());
  return {piece.bytes.first(frame.end),
          piece.begin,
          {piece.begin.position + frame.end, piece.begin.sequence + 1},
          1,
          piece.time_ns};
}

log::Piece without(const log::Piece& piece, const log::Piece& first) {
  return {piece.bytes.subspan(first.bytes.size()), first.end, piece.end, piece.count - first.count,
          piece.time_ns};
}

}  // namespace

QueueGather::QueueGather(const deliver::Delivery& from, std::uint64_t number, const Limits& limits)
    : from_(from), number_(number), limits_(limits) {
  for (const auto& range : from_.open())
    if (!gather(range.begin, range.end)) return;
  (void)gather(from_.next(), from_.log().end());
}

// false: that is enough.
bool QueueGather::gather(log::Cursor begin, log::Cursor end) {
  bool goes_on = true;
  from_.log().read_each(begin, from_.bit(), [&](log::Piece piece) {
    if (!(piece.begin < end)) return false;
    if (end < piece.end) {  // inside a run every frame is wanted
      piece.bytes = piece.bytes.first(end.position.bytes - piece.begin.position.bytes);
      piece.count = static_cast<std::uint32_t>(end.sequence - piece.begin.sequence);
      piece.end = end;
    }
    goes_on = take(piece);
    return goes_on && piece.end < end;
  });
  return goes_on;
}

bool QueueGather::take(const log::Piece& piece) {
  // A block stands before the run whose frames it describes, never inside one.
  if (!from_.log().block_of(piece.begin).block.empty()) return take_described(piece);
  if (!fits(piece.count, piece.bytes.size() + piece.count * kRecordBytes)) return take_first(piece);
  add(piece, {});
  return true;
}

// As many of its frames as find room.
bool QueueGather::take_first(const log::Piece& piece) {
  for (auto rest = piece; rest.count > 0;) {
    const auto first = first_of(rest);
    if (!fits(1, first.bytes.size() + kRecordBytes)) return false;
    add(first, {});
    rest = without(rest, first);
  }
  return true;
}

bool QueueGather::take_described(const log::Piece& piece) {
  for (auto rest = piece; rest.count > 0;) {
    const auto first = first_of(rest);
    const auto fields = from_.log().fields_of(first.begin);
    if (!fits(1, first.bytes.size() + fields.size() + kRecordBytes)) return false;
    add(first, fields);
    rest = without(rest, first);
  }
  return true;
}

bool QueueGather::fits(std::uint64_t messages, std::uint64_t bytes) const {
  if (limits_.lets_one_in && messages_ == 0 && messages == 1) return true;
  if (messages_ + messages > limits_.messages || bytes_ + bytes > limits_.bytes) return false;
  return bytes_ + bytes <= limits_.batch_bytes || (messages_ == 0 && messages == 1);
}

// Pieces that follow each other in memory, and were accepted together, are one run.
void QueueGather::add(const log::Piece& piece, std::span<const std::byte> fields) {
  const bool joins = !runs_.empty() && fields.empty() && runs_.back().fields.empty() &&
                     runs_.back().first.accepted_ns == piece.time_ns &&
                     runs_.back().frames.data() + runs_.back().frames.size() == piece.bytes.data();
  if (joins) {
    auto& last = runs_.back();
    last.frames = {last.frames.data(), last.frames.size() + piece.bytes.size()};
    last.count += piece.count;
  } else {
    runs_.push_back({{number_ + messages_, piece.begin.sequence.number, piece.time_ns},
                     piece.bytes,
                     piece.count,
                     fields});
  }
  messages_ += piece.count;
  bytes_ += piece.bytes.size() + fields.size() + piece.count * kRecordBytes;
  end_ = piece.end;
}

}  // namespace standpipe::worker
