// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"

namespace standpipe::deliver {

void Batch::start(Delivery& delivery, const Again& again) {
  delivery_ = &delivery;
  again_ = again;
  bytes_ = 0;
  messages_.clear();
  begins_.clear();
  ends_.clear();
}

bool Batch::take_next(Delivery& delivery) {
  start(delivery, {});
  auto at = delivery.next();
  bool room = true;
  while (room) {
    const auto piece = delivery.log().read(at, delivery.bit());
    if (!piece) break;
    room = add(*piece, piece->end.position);
    at = piece->end;
  }
  if (messages_.empty()) {
    delivery.skip_unwanted();
    return false;
  }
  delivery.give_out(range(0, count()));
  return true;
}

// Of one range only: between two of them lie messages that are final already.
void Batch::take_again(Delivery& delivery) {
  const auto& first = delivery.again().front();
  start(delivery, first);
  add_from(first.range);
  if (count() == first.range.count)
    delivery.again().pop_front();
  else
    delivery.again().edit(0).range = {range(count() - 1, count()).end, first.range.end, first.range.count - count()};
}

void Batch::take_same(Delivery& delivery, const Again& call) {
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

// By hundreds: to push them back one by one took as long as to find them.
void Batch::resize(std::size_t count) {
  messages_.resize(count);
  begins_.resize(count);
  ends_.resize(count);
}

bool Batch::add(const log::Piece& piece, log::Position until) {
  std::array<frame::Frame, 256> frames;
  std::size_t offset = 0;
  auto sequence = piece.begin.sequence.number;
  while (offset < piece.bytes.size()) {
    const auto rest = piece.bytes.subspan(offset);
    const auto scan = delivery_->codec().scan(rest, frames);
    INVARIANT(scan.frames > 0, delivery_->source(), offset, piece.bytes.size());
    const auto had = messages_.size();
    const auto most = std::min<std::size_t>(scan.frames, messages_max_ - had);
    const auto start = piece.begin.position + offset;
    resize(had + most);
    std::size_t begin = 0;
    std::size_t i = 0;
    bool full = false;
    for (; i < most && start + frames[i].end <= until; ++i) {
      const auto& f = frames[i];
      full = bytes_ + (f.end - begin) > bytes_max_ && had + i > 0;
      if (full) break;
      messages_[had + i] = {reinterpret_cast<const std::uint8_t*>(rest.data() + f.payload), f.size, sequence++, piece.time_ns};
      begins_[had + i] = start + begin;
      ends_[had + i] = start + f.end;
      bytes_ += f.end - begin;
      begin = f.end;
    }
    resize(had + i);
    if (full || i < most) return !full;
    if (most < scan.frames) return start + frames[i].end > until;
    offset += scan.consumed;
  }
  return true;
}

standpipe_batch Batch::view() const {
  standpipe_batch b{};
  b.size = sizeof b;
  b.count = count();
  b.stride = sizeof(standpipe_message);
  b.attempt = attempt();
  b.messages = messages_.data();
  b.source = {delivery_->source().data(), delivery_->source().size()};
  return b;
}

Range Batch::range(std::uint32_t first, std::uint32_t last) const {
  return {{begins_[first], {messages_[first].sequence}}, {ends_[last - 1], {messages_[last - 1].sequence + 1}}, last - first};
}

std::uint64_t Batch::wire_bytes(std::uint32_t first, std::uint32_t last) const {
  std::uint64_t sum = 0;
  for (auto i = first; i < last; ++i) sum += ends_[i] - begins_[i];
  return sum;
}

}  // namespace standpipe::deliver
