// SPDX-License-Identifier: Apache-2.0
#include "deliver/remaining.h"

#include <algorithm>

#include "base/invariant.h"
#include "frame/wire_scan.h"

namespace standpipe::deliver {

Remaining::Remaining(std::span<const Delivery* const> deliveries) {
  for (const auto* delivery : deliveries) {
    walks_.push_back({.delivery = delivery});
    walks_.back().find_frame();
  }
}

std::optional<Remaining::Message> Remaining::next() {
  for (const auto i : wanted_by_) walks_[i].pass();
  wanted_by_.clear();
  const Walk* first = nullptr;
  for (std::size_t i = 0; i < walks_.size(); ++i) {
    const auto& walk = walks_[i];
    if (walk.ended || (first && first->at < walk.at)) continue;
    if (!first || walk.at < first->at) wanted_by_.clear();
    first = &walk;
    wanted_by_.push_back(i);
  }
  if (!first) return std::nullopt;
  const auto fields = first->delivery->log().fields_of(first->at);
  return Message{first->at, first->accepted_ns, first->rest.first(first->frame_bytes), fields,
                 wanted_by_};
}

// Finds the frame at or after where it is.
void Remaining::Walk::find_frame() {
  while (rest.empty() && !ended)
    if (!begin_piece() && !begin_range()) ended = true;
  if (ended) return;
  frame::Frame frame;
  const auto scan = frame::scan_wire(rest, {&frame, 1});
  INVARIANT(scan.frames == 1, at.position.bytes, rest.size());
  frame_bytes = frame.end;
}

// First the open ranges, then everything that was never given out.
bool Remaining::Walk::begin_range() {
  const auto& open = delivery->open();
  if (ranges > open.size()) return false;
  const bool after = ranges == open.size();
  at = after ? delivery->next() : open[ranges].begin;
  until = after ? delivery->log().end() : open[ranges].end;
  ++ranges;
  return true;
}

// false: there is no more of this range.
bool Remaining::Walk::begin_piece() {
  if (!(at < until)) return false;
  const auto piece = delivery->log().read(at, delivery->bit());
  if (!piece || !(piece->begin < until)) {
    at = until;
    return false;
  }
  at = piece->begin;
  accepted_ns = piece->time_ns;
  const auto bytes = std::min(piece->end, until).position.bytes - at.position.bytes;
  rest = piece->bytes.first(static_cast<std::size_t>(bytes));
  return true;
}

void Remaining::Walk::pass() {
  rest = rest.subspan(frame_bytes);
  at = {at.position + frame_bytes, at.sequence + 1};
  find_frame();
}

}  // namespace standpipe::deliver
