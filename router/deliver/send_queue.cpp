// SPDX-License-Identifier: Apache-2.0
#include "deliver/send_queue.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/invariant.h"
#include "base/limits.h"
#include "frame/wire_scan.h"

namespace standpipe::deliver {

SendQueue::SendQueue(state::Memory& memory, const std::string& name, Senders& senders,
                     SettlementObserver& observer, OnFinal on_final)
    : memory_(memory),
      senders_(senders),
      observer_(observer),
      on_final_(std::move(on_final)),
      marks_(memory, "queue/" + name),
      entries_(memory, "entries/" + name) {}

void SendQueue::recover() {
  for (std::size_t i = 0; i < size(); ++i) delivery_of(entries_[i]).recover(entries_[i].range);
}

void SendQueue::validate() const {
  if (taken() > moved() || moved() > bytes())
    throw state::Memory::Damaged("an output's marks are out of order");
}

std::uint64_t SendQueue::bytes() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size(); ++i) sum += entries_[i].bytes;
  return sum;
}

void SendQueue::push(const Delivery& delivery, const Range& range, std::uint64_t bytes) {
  INVARIANT(bytes > 0 && range.count > 0, bytes, range.count);
  // Messages adjacent to an entry of which nothing was written join it, for fewer and larger moves
  // while a reader is slow.
  if (!empty() && writing_.entry + 1 < size()) {
    const auto& last = back();
    if (last.delivery == delivery.id() && last.range.end == range.begin &&
        last.bytes < kBatchBytes) {
      auto& longer = entries_.edit(size() - 1);
      longer.range.end = range.end;
      longer.range.count += range.count;
      longer.bytes += bytes;
      return;
    }
  }
  entries_.push_back({delivery.id(), range, bytes});
  if (writing_.entry + 1 == size()) writing_ = {writing_.entry, range.begin, 0};
}

// ---- the marks

void SendQueue::wrote(std::uint64_t bytes, const StreamPosition& next) {
  written_ += bytes;
  writing_ = next;
}

void SendQueue::mark_taken(std::uint64_t up_to) {
  if (up_to > taken()) marks_.edit().taken = up_to;
  settle(taken());
}

void SendQueue::settle(std::uint64_t up_to) {
  INVARIANT(up_to <= moved() && moved() <= written_, up_to, moved(), written_);
  while (!empty() && entries_.front().bytes <= up_to) {
    const auto front = entries_.front();
    entries_.pop_front();
    up_to -= front.bytes;
    auto& marks = marks_.edit();
    marks.taken -= std::min(marks.taken, front.bytes);
    marks.moved -= front.bytes;
    written_ -= front.bytes;
    if (writing_.entry > 0)
      --writing_.entry;
    else
      writing_ = {0, empty() ? log::Cursor{} : entries_.front().range.begin,
                  0};  // it stood at the end of the front
    finish(delivery_of(front), front.range);
  }
}

void SendQueue::finish(Delivery& delivery, const Range& part) {
  delivery.finish(part);
  delivery.edit_tally().delivered += part.count;
  on_final_(delivery, part);
  memory_.count_progress();
  observer_.settled(delivery);
}

// Frames before the one that the mark is in were taken whole, so the first entry begins there.
void SendQueue::finish_taken() {
  const auto place = place_of(taken());
  settle(taken() - place.skip);
  if (empty()) return;
  const auto front = entries_.front();
  auto& delivery = delivery_of(front);
  const auto before = delivery.log().count_between(front.range.begin, place.at, delivery.bit());
  if (before == 0) return;
  const auto bytes = taken() - place.skip;
  auto& rest = entries_.edit(0);
  rest.range = {place.at, front.range.end, front.range.count - before};
  rest.bytes -= bytes;
  auto& marks = marks_.edit();
  marks.taken -= bytes;
  marks.moved -= bytes;
  written_ -= bytes;
  finish(delivery, {front.range.begin, place.at, before});
}

void SendQueue::rewind(std::uint64_t taken) {
  marks_.edit().taken = taken;
  finish_taken();
  reset_marks();
}

void SendQueue::reset_marks() {
  auto& marks = marks_.edit();
  marks.taken = marks.moved = written_ = 0;
  writing_ = {};
  if (!empty()) writing_.at = entries_.front().range.begin;
}

void SendQueue::write_again() {
  written_ = moved();
  writing_ = place_of(moved());
}

// ---- the end of a run

void SendQueue::end_after_frame() {
  if (writing_.entry >= size()) return;
  give_back_from(writing_.entry + 1);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i + 1 < size(); ++i) before += entries_[i].bytes;
  auto& last = entries_.edit(size() - 1);
  auto& delivery = delivery_of(last);
  const auto end = writing_.skip > 0 ? frame_end(writing_) : writing_.at;
  const auto bytes = written_ - writing_.skip - before + (end.position - writing_.at.position);
  if (bytes == 0) return give_back_from(size() - 1);
  if (last.range.end == end) return;
  const auto count = delivery.log().count_between(last.range.begin, end, delivery.bit());
  delivery.redeliver({{end, last.range.end, last.range.count - count}}, {});
  last.bytes = bytes;
  last.range.count = count;
  last.range.end = end;
}

void SendQueue::give_back_all() {
  give_back_from(0);
  reset_marks();
}

// These messages are not sent: they are redelivered to their handlers, if there is another run.
void SendQueue::give_back_from(std::size_t first) {
  for (auto i = first; i < size(); ++i) {
    auto& delivery = delivery_of(entries_[i]);
    delivery.redeliver({entries_[i].range}, {});
    senders_.returned(delivery);
  }
  entries_.truncate(first);
}

// ---- the stream

std::span<const std::byte> SendQueue::next_bytes(StreamPosition& place,
                                                 StreamPosition& begin) const {
  std::span<const std::byte> next;
  each_piece(place, [&](const StreamPosition& at, std::span<const std::byte> bytes) {
    if (!next.empty()) return false;
    begin = at;
    next = bytes;
    return true;
  });
  return next;
}

bool SendQueue::has_more_to_write() const {
  StreamPosition place = writing_, begin;
  return !next_bytes(place, begin).empty();
}

void SendQueue::gather(std::vector<iovec>& pieces, std::vector<StreamPosition>& places,
                       std::uint64_t most) const {
  pieces.clear();
  places.clear();
  StreamPosition place = writing_;
  each_piece(place, [&](const StreamPosition& begin, std::span<const std::byte> bytes) {
    if (pieces.size() == kPiecesMax || most == 0) return false;
    places.push_back(begin);
    // writev does not write into its pieces, for all that iovec is not const.
    pieces.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    most -= std::min<std::uint64_t>(most, bytes.size());
    return true;
  });
  places.push_back(place);
}

// The frame that the byte belongs to, and how far into it the byte is.
SendQueue::StreamPosition SendQueue::place_of(std::uint64_t offset) const {
  std::array<frame::Frame, 256> frames;
  for (std::size_t i = 0; i < size(); ++i) {
    const auto& entry = entries_[i];
    const auto& delivery = delivery_of(entry);
    if (offset >= entry.bytes) {
      offset -= entry.bytes;
      continue;
    }
    auto at = entry.range.begin;
    while (const auto piece = delivery.log().read(at, delivery.bit())) {
      auto bytes = piece->bytes;
      at = piece->begin;
      while (!bytes.empty()) {
        const auto scan = frame::scan_wire(bytes, frames);
        std::uint64_t begin = 0;
        for (std::size_t f = 0; f < scan.frames; ++f) {
          const std::uint64_t size = frames[f].end - begin;
          if (offset < size) return {i, at, offset};
          offset -= size;
          at = {at.position + size, at.sequence + 1};
          begin = frames[f].end;
        }
        bytes = bytes.subspan(scan.consumed);
      }
      at = piece->end;
    }
    INVARIANT(false, "an entry is shorter than it says", i, entry.bytes);
  }
  return {size(), {}, 0};
}

bool SendQueue::is_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  auto place = place_of(offset);
  while (!bytes.empty()) {
    StreamPosition begin;
    const auto ours = next_bytes(place, begin);
    const auto n = std::min(ours.size(), bytes.size());
    if (n == 0 || std::memcmp(ours.data(), bytes.data(), n) != 0) return false;
    bytes = bytes.subspan(n);
  }
  return true;
}

log::Cursor SendQueue::frame_end(const StreamPosition& place) const {
  frame::Frame frame{};
  auto at = place.at;
  const auto& delivery = delivery_of(entries_[place.entry]);
  const auto piece = delivery.log().read(at, delivery.bit());
  INVARIANT(piece && frame::scan_wire(piece->bytes, {&frame, 1}).frames == 1,
            place.at.position.bytes);
  return {place.at.position + frame.end, place.at.sequence + 1};
}

}  // namespace standpipe::deliver
