// SPDX-License-Identifier: Apache-2.0
#include "deliver/delivery.h"

#include <algorithm>

#include "base/invariant.h"

namespace standpipe::deliver {

Delivery::Delivery(std::string source, log::Log& log, const frame::Codec& codec, std::size_t bit)
    : source_(std::move(source)), log_(log), codec_(codec), bit_(bit), next_(log.end()) {}

void Delivery::give_out(const Range& range) {
  INVARIANT(next_ <= range.begin && range.count > 0, next_.position.bytes, range.begin.position.bytes, range.count);
  // One range for what follows on: a forward that is kept waiting by its reader has one open range, not one a batch.
  if (!open_.empty() && open_.back().end == range.begin) {
    open_.back().end = range.end;
    open_.back().count += range.count;
  } else {
    open_.push_back(range);
  }
  next_ = range.end;
}

void Delivery::skip_unwanted() {
  if (next_ < log_.end()) (void)log_.read(next_, bit_);
}

void Delivery::take_back(log::Cursor begin, std::uint64_t count) {
  if (count == 0) return;
  INVARIANT(!open_.empty() && open_.back().end == next_ && open_.back().begin <= begin, begin.position.bytes);
  auto& last = open_.back();
  INVARIANT(last.count >= count, last.count, count);
  last.count -= count;
  last.end = begin;
  next_ = begin;
  if (last.count == 0) open_.pop_back();
}

void Delivery::finish(const Range& part) {
  const auto behind =
      std::upper_bound(open_.begin(), open_.end(), part.begin, [](log::Cursor c, const Range& r) { return c < r.begin; });
  INVARIANT(behind != open_.begin(), part.begin.position.bytes);
  const auto at = std::prev(behind);
  INVARIANT(part.end <= at->end && part.count <= at->count, part.end.position.bytes, at->end.position.bytes, part.count, at->count);
  const Range rest{part.end, at->end, at->count - part.count};
  if (at->begin == part.begin) {
    if (rest.count == 0)
      open_.erase(at);
    else
      *at = rest;
    return;
  }
  // From the middle or the end: what is before stays, and so may something behind. How the count splits is found in the index.
  const auto before = log_.count_between(at->begin, part.begin, bit_);
  at->end = part.begin;
  at->count = before;
  const auto after = rest.count - before;
  if (after > 0) open_.insert(std::next(at), Range{part.end, rest.end, after});
}

void Delivery::give_again(const Range& range, std::uint32_t attempt, Nanoseconds due) {
  const auto behind =
      std::upper_bound(again.begin(), again.end(), range.begin, [](log::Cursor c, const Again& a) { return c < a.range.begin; });
  again.insert(behind, {range, attempt});
  again_due = std::max(again_due, due);
}

void Delivery::abandon(Reason reason) {
  tally_.drop(reason, in_flight());
  open_.clear();
  again.clear();
  next_ = log_.end();
}

std::uint64_t Delivery::in_flight() const {
  std::uint64_t open = 0;
  for (const auto& r : open_) open += r.count;
  return open + log_.count_from(next_, bit_);
}

void Delivery::check_invariants() const {
  INVARIANT(log_.trimmed() <= settled() && settled() <= next_ && next_ <= log_.end(), settled().position.bytes,
            next_.position.bytes);
  for (std::size_t i = 0; i < open_.size(); ++i) {
    INVARIANT(open_[i].begin < open_[i].end && open_[i].count > 0, i);
    INVARIANT(i == 0 || open_[i - 1].end <= open_[i].begin, i);
  }
  INVARIANT(tally_.matched == tally_.settled() + in_flight(), source_, tally_.matched, tally_.settled(), in_flight());
}

}  // namespace standpipe::deliver
