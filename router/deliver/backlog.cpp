// SPDX-License-Identifier: Apache-2.0
#include "deliver/backlog.h"

#include <algorithm>

#include "base/invariant.h"
#include "deliver/range_head.h"

namespace standpipe::deliver {

void Backlog::update() {
  const auto settled = delivery_.settled(), end = delivery_.log().end();
  if (settled < from_) return recount();  // what an earlier worker had given out was claimed
  bytes_ += bytes_between(to_, end);
  bytes_ -= bytes_between(from_, settled);
  for (; !gaps_.empty() && gaps_.front().end <= settled; gaps_.pop_front())
    bytes_ += gaps_.front().bytes;
  from_ = settled;
  to_ = end;
}

void Backlog::recount() {
  bytes_ = 0;
  gaps_.clear();
  auto at = from_ = delivery_.settled();
  for (const auto& range : delivery_.open()) {
    add_gap(at, range.begin);
    bytes_ += bytes_between(range.begin, range.end);
    at = range.end;
  }
  add_gap(at, delivery_.next());
  to_ = delivery_.log().end();
  bytes_ += bytes_between(delivery_.next(), to_);
}

void Backlog::add_gap(log::Cursor from, log::Cursor to) {
  if (const auto bytes = from < to ? bytes_between(from, to) : 0) gaps_.push_back({to, bytes});
}

std::uint64_t Backlog::bytes_between(log::Cursor from, log::Cursor to) const {
  std::uint64_t bytes = 0;
  if (!(from < to)) return bytes;
  delivery_.log().read_each(from, delivery_.bit(), [&](const log::Piece& piece) {
    if (piece.begin >= to) return false;
    bytes += std::min(piece.end, to).position - piece.begin.position;
    return piece.end < to;
  });
  return bytes;
}

Backlog::Stretch Backlog::stretch(std::span<const frame::Frame> frames, std::size_t begin,
                                  std::uint64_t pending) const {
  Stretch stretch;
  auto count = messages() + pending, bytes = bytes_;
  for (const auto& frame : frames) {
    const std::uint64_t size = frame.end - begin;
    const bool has_room =
        count < options_.messages_max && (bytes + size <= options_.size_max || count == 0);
    if (stretch.frames == 0) stretch.has_room = has_room;
    if (has_room != stretch.has_room) break;
    ++stretch.frames;
    begin = frame.end;
    if (!has_room) continue;
    ++count;
    bytes += size;
  }
  return stretch;
}

std::uint64_t Backlog::drop_oldest() {
  const auto over = [](std::uint64_t value, std::uint64_t most) {
    return value > most ? value - most : 0;
  };
  return drop({over(messages(), options_.messages_max), over(bytes_, options_.size_max),
               over(messages(), 1)});
}

std::uint64_t Backlog::drop_oldest(std::uint64_t bytes) {
  return drop({0, bytes, ~std::uint64_t{0}});
}

// What is to be redelivered comes first: it is older than all that was not given out.
std::uint64_t Backlog::drop(Excess excess) {
  std::uint64_t dropped = 0;
  while (!excess.empty() && !delivery_.redeliveries().empty())
    dropped += drop_of(delivery_.redeliveries().front().range, excess);
  const auto left = delivery_.log().count_from(delivery_.next(), delivery_.bit());
  if (!excess.empty() && left > 0)
    dropped += drop_of({delivery_.next(), delivery_.log().end(), left}, excess);
  if (dropped > 0) recount();
  return dropped;
}

// As many of the first messages of the range as are too many, by either measure.
std::uint64_t Backlog::drop_of(const Range& range, Excess& excess) {
  auto head = range_head(delivery_, range, ~std::uint64_t{0}, excess.messages);
  if (head.bytes < excess.bytes && head.range.count < excess.most)
    head = range_head(delivery_, range, excess.bytes, excess.most);
  const auto dropped = delivery_.drop_before(head.range.end, Reason::queue_full);
  INVARIANT(dropped == head.range.count && dropped > 0, dropped, head.range.count);
  excess.messages -= std::min(excess.messages, head.range.count);
  excess.bytes -= std::min(excess.bytes, head.bytes);
  excess.most -= std::min(excess.most, dropped);
  return dropped;
}

}  // namespace standpipe::deliver
