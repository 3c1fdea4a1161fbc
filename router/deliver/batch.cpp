// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "frame/wire_scan.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint64_t kHeader = STANDPIPE_WIRE_HEADER_BYTES;

}  // namespace

void Batch::start(Delivery& delivery, const Redelivery& redelivery) {
  delivery_ = &delivery;
  redelivery_ = redelivery;
  bytes_ = 0;
  ticket_ = 0;
  frames_.clear();
  stretches_.clear();
}

bool Batch::fill_next(Delivery& delivery) {
  start(delivery, {});
  auto at = delivery.next();
  bool room = true;
  while (room) {
    const auto piece = delivery.log().read(at, delivery.bit());
    if (!piece) break;
    room = add(*piece, piece->end.position);
    at = piece->end;
  }
  if (frames_.empty()) {
    delivery.skip_unwanted();
    return false;
  }
  delivery.give_out(range(0, count()));
  return true;
}

// From one range only: between two ranges lie messages that are final already.
void Batch::fill_redelivery(Delivery& delivery) {
  const auto& first = delivery.redeliveries().front();
  start(delivery, first);
  add_from(first.range);
  if (count() == first.range.count)
    delivery.redeliveries().pop_front();
  else
    delivery.redeliveries().edit(0).range = {range(count() - 1, count()).end, first.range.end,
                                             first.range.count - count()};
}

void Batch::refill(Delivery& delivery, const Redelivery& call) {
  start(delivery, call);
  const auto limit = std::exchange(messages_max_, kBatchMessages);  // it was a batch once
  add_from(call.range);
  messages_max_ = limit;
  INVARIANT(count() == call.range.count, delivery.source(), count(), call.range.count);
}

void Batch::add_from(const Range& range) {
  bool room = true;
  for (auto at = range.begin; room && at < range.end;) {
    const auto piece = delivery_->log().read(at, delivery_->bit());
    if (!piece || piece->begin >= range.end) break;
    room = add(*piece, range.end.position);
    at = piece->end;
  }
  INVARIANT(count() > 0 && count() <= range.count, delivery_->source(), count(), range.count);
}

bool Batch::add(const log::Piece& piece, log::Position until) {
  std::array<frame::Frame, 256> found;
  std::size_t offset = 0;
  stretches_.push_back({count(), static_cast<std::uint64_t>(piece.bytes.data() - memory()),
                        piece.begin.position, piece.begin.sequence.number, piece.time_ns});
  if (const auto described = delivery_->log().block_of(piece.begin); !described.block.empty()) {
    auto& stretch = stretches_.back();
    stretch.meta = static_cast<std::uint64_t>(described.block.data() - memory());
    stretch.meta_bytes = static_cast<std::uint32_t>(described.block.size());
    stretch.meta_first = described.frame;
  }
  while (offset < piece.bytes.size()) {
    const auto scan = frame::scan_wire(piece.bytes.subspan(offset), found);
    INVARIANT(scan.frames > 0, delivery_->source(), offset, piece.bytes.size());
    const auto had = frames_.size();
    const auto most = std::min<std::size_t>(scan.frames, messages_max_ - had);
    const auto start = piece.begin.position + offset;
    frames_.resize(had +
                   most);  // by hundreds: to push them back one by one took as long as to find them
    std::size_t begin = 0;
    std::size_t i = 0;
    bool full = false;
    for (; i < most && start + found[i].end <= until; ++i) {
      const auto& f = found[i];
      full = bytes_ + (f.end - begin) > bytes_max_ && had + i > 0;
      if (full) break;
      frames_[had + i] = {static_cast<std::uint32_t>(offset + f.payload),
                          static_cast<std::uint32_t>(f.size)};
      bytes_ += f.end - begin;
      begin = f.end;
    }
    frames_.resize(had + i);
    if (full || i < most) return !full;
    if (most < scan.frames) return start + found[i].end > until;
    offset += scan.consumed;
  }
  return true;
}

const std::byte* Batch::memory() const { return delivery_->log().keeping().arena().data(); }

const BatchStretch& Batch::stretch_of(std::uint32_t i) const {
  if (i >= stretches_.back().first) return stretches_.back();  // of most batches the only one
  const auto after =
      std::upper_bound(stretches_.begin(), stretches_.end(), i,
                       [](std::uint32_t m, const BatchStretch& s) { return m < s.first; });
  return *std::prev(after);
}

std::uint64_t Batch::sequence(std::uint32_t i) const {
  const auto& stretch = stretch_of(i);
  return stretch.sequence + (i - stretch.first);
}

std::span<const std::byte> Batch::payload(std::uint32_t i) const {
  return {memory() + stretch_of(i).memory + frames_[i].offset, frames_[i].size};
}

std::span<const std::byte> Batch::fields(std::uint32_t i) const {
  return delivery_->log().fields_of(range(i, i + 1).begin);
}

log::Position Batch::payload_position(std::uint32_t i) const {
  return stretch_of(i).position + frames_[i].offset;
}

Range Batch::range(std::uint32_t first, std::uint32_t last) const {
  return {{{payload_position(first).bytes - kHeader}, {sequence(first)}},
          {payload_position(last - 1) + frames_[last - 1].size, {sequence(last - 1) + 1}},
          last - first};
}

std::uint64_t Batch::wire_bytes(std::uint32_t first, std::uint32_t last) const {
  std::uint64_t sum = 0;
  for (auto i = first; i < last; ++i) sum += kHeader + frames_[i].size;
  return sum;
}

}  // namespace standpipe::deliver
