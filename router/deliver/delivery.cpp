// SPDX-License-Identifier: Apache-2.0
#include "deliver/delivery.h"

#include <algorithm>

#include "base/invariant.h"

namespace standpipe::deliver {

Delivery::Delivery(std::string source, const std::string& handler, std::uint32_t id, log::Log& log, const frame::Codec& codec,
                   std::size_t bit)
    : source_(std::move(source)),
      id_(id),
      log_(log),
      codec_(codec),
      bit_(bit),
      kept_(log.keeping(), "delivery/" + source_ + " -> " + handler),
      again_(log.keeping(), "again/" + source_ + " -> " + handler) {
  if (kept_->next.sequence.number == 0) kept_.edit().next = log.end();  // new
  if (!(log.trimmed() <= next() && next() <= log.end())) throw log::Memory::Damaged("a delivery's cursor lies outside its log");
  for (std::size_t i = 0; i < again_.size(); ++i) take_up(again_[i].range);
}

void Delivery::give_out(const Range& range) {
  INVARIANT(saved() == 0, saved());
  INVARIANT(next() <= range.begin && range.count > 0, next().position.bytes, range.begin.position.bytes, range.count);
  // One range for what follows on: a forward that is kept waiting by its reader has one open range, not one a batch.
  if (!open_.empty() && open_.back().end == range.begin) {
    open_.back().end = range.end;
    open_.back().count += range.count;
  } else {
    open_.push_back(range);
  }
  kept_.edit().next = range.end;
}

void Delivery::skip_unwanted() {
  if (!may_have_more()) return;
  auto at = next();
  (void)log_.read(at, bit_);
  if (at != next()) kept_.edit().next = at;
}

void Delivery::take_back(log::Cursor begin, std::uint64_t count) {
  if (count == 0) return;
  INVARIANT(!open_.empty() && open_.back().end == next() && open_.back().begin <= begin, begin.position.bytes);
  auto& last = open_.back();
  INVARIANT(last.count >= count, last.count, count);
  last.count -= count;
  last.end = begin;
  kept_.edit().next = begin;
  if (last.count == 0) open_.pop_back();
}

void Delivery::finish(const Range& part) {
  const auto behind =
      std::upper_bound(open_.begin(), open_.end(), part.begin, [](log::Cursor c, const Range& r) { return c < r.begin; });
  INVARIANT(behind != open_.begin(), part.begin.position.bytes);
  const auto at = std::prev(behind);
  INVARIANT(part.end <= at->end && part.count <= at->count, part.end.position.bytes, at->end.position.bytes, part.count, at->count);
  const Range rest{part.end, at->end, at->count - part.count};
  // Nothing that is wanted may lie before it though its begin is further on: there were frames for others.
  const auto before = at->begin == part.begin ? 0 : log_.count_between(at->begin, part.begin, bit_);
  if (before == 0) {
    if (rest.count == 0)
      open_.erase(at);
    else
      *at = rest;
    return;
  }
  // From the middle or the end: what is before stays, and so may something behind.
  at->end = part.begin;
  at->count = before;
  const auto after = rest.count - before;
  if (after > 0) open_.insert(std::next(at), Range{part.end, rest.end, after});
}

void Delivery::give_again(const Again& again, Nanoseconds due) {
  auto at = again_.size();
  while (at > 0 && again.range.begin < again_[at - 1].range.begin) --at;
  again_.insert(at, again);
  again_due = std::max(again_due, due);
}

void Delivery::take_up(const Range& range) {
  const bool sane = range.count > 0 && log_.trimmed() <= range.begin && range.begin < range.end && range.end <= next();
  if (!sane) throw log::Memory::Damaged("an open range lies outside its log");
  const auto behind =
      std::upper_bound(open_.begin(), open_.end(), range.begin, [](log::Cursor c, const Range& r) { return c < r.begin; });
  const bool overlaps =
      (behind != open_.end() && behind->begin < range.end) || (behind != open_.begin() && range.begin < std::prev(behind)->end);
  if (overlaps) throw log::Memory::Damaged("two open ranges have one message");
  open_.insert(behind, range);
}

void Delivery::abandon(Reason reason) {
  edit_tally().drop(reason, in_flight() - saved());
  open_.clear();
  again_.clear();
  kept_.edit().next = log_.end();
}

bool Delivery::has_all() const {
  std::uint64_t open = 0, again = 0;
  for (const auto& range : open_) open += range.count;
  for (std::size_t i = 0; i < again_.size(); ++i) again += again_[i].range.count;
  return open == again;
}

void Delivery::save_before(log::Cursor end) {
  std::uint64_t count = 0;
  while (!again_.empty() && again_.front().range.begin < end) {
    auto part = again_.front().range;
    if (end < part.end) {
      const auto behind = part.count - log_.count_between(part.begin, end, bit_);
      again_.edit(0).range = {end, part.end, behind};
      part = {part.begin, end, part.count - behind};
    } else {
      again_.pop_front();
    }
    if (part.count == 0) continue;
    finish(part);
    count += part.count;
  }
  if (next() < end) {
    count += log_.count_between(next(), end, bit_);
    kept_.edit().next = end;
  }
  if (count > 0) kept_.edit().saved += count;
}

std::uint64_t Delivery::in_flight() const {
  std::uint64_t open = 0;
  for (const auto& r : open_) open += r.count;
  return saved() + open + log_.count_from(next(), bit_);
}

void Delivery::check_invariants() const {
  INVARIANT(log_.trimmed() <= settled() && settled() <= next() && next() <= log_.end(), settled().position.bytes,
            next().position.bytes);
  for (std::size_t i = 0; i < open_.size(); ++i) {
    INVARIANT(open_[i].begin < open_[i].end && open_[i].count > 0, i);
    INVARIANT(i == 0 || open_[i - 1].end <= open_[i].begin, i);
  }
  INVARIANT(tally().matched == tally().settled() + in_flight(), source_, tally().matched, tally().settled(), in_flight());
}

}  // namespace standpipe::deliver
