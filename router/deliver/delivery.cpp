// SPDX-License-Identifier: Apache-2.0
#include "deliver/delivery.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "state/directory.h"

namespace standpipe::deliver {
namespace {

std::string record_of(const char* kind, const std::string& source, const std::string& handler,
                      Delivery::Of of) {
  const auto* part = of == Delivery::Of::queue    ? "/queue/"
                     : of == Delivery::Of::replay ? "/replay/"
                                                  : "/";
  return kind + std::string(part) + state::delivery_name(source, handler);
}

}  // namespace

Delivery::Delivery(std::string source, const std::string& handler, std::uint32_t id, log::Log& log,
                   std::size_t bit, Of of)
    : source_(std::move(source)),
      id_(id),
      log_(log),
      bit_(bit),
      of_(of),
      persistent_(log.keeping(), record_of("delivery", source_, handler, of)),
      redeliveries_(log.keeping(), record_of("redelivery", source_, handler, of)) {
  if (persistent_->next.sequence.number == 0) persistent_.edit().next = log.end();  // new
  if (!(log.trimmed() <= next() && next() <= log.end()))
    throw state::Memory::Damaged("a delivery's cursor lies outside its log");
  for (std::size_t i = 0; i < redeliveries_.size(); ++i) recover(redeliveries_[i].range);
  sampled_ = settled();
  sampled_delivered_ = tally().delivered;
}

bool Delivery::is_settled(const state::Memory& memory, const std::string& source,
                          const std::string& handler, Of of) {
  const auto bytes = memory.find(record_of("delivery", source, handler, of));
  if (bytes.empty()) return true;  // its worker died before it was made
  if (bytes.size() != sizeof(DeliveryRecord))
    throw state::Damaged("a delivery's record has another size");
  const auto& record = *reinterpret_cast<const DeliveryRecord*>(bytes.data());
  return record.tally.matched == record.tally.settled() + record.saved;
}

void Delivery::rename(state::Memory& memory, const std::string& from, const std::string& to,
                      const std::string& handler, Of of) {
  for (const auto* kind : {"delivery", "redelivery"})
    if (const auto name = record_of(kind, from, handler, of); memory.has_record(name))
      memory.rename_record(name, record_of(kind, to, handler, of));
}

// A row of a settled delivery is empty, and has no blocks.
void Delivery::remove(state::Memory& memory, const std::string& source, const std::string& handler,
                      Of of) {
  for (const auto* kind : {"delivery", "redelivery"})
    if (const auto name = record_of(kind, source, handler, of); memory.has_record(name))
      memory.remove_record(name);
}

void Delivery::give_out(const Range& range) {
  INVARIANT(saved() == 0, saved());
  INVARIANT(next() <= range.begin && range.count > 0, next().position.bytes,
            range.begin.position.bytes, range.count);
  // Adjacent ranges become one: a forward that waits for its reader has one open range, not one for
  // each batch.
  if (!open_.empty() && open_.back().end == range.begin) {
    open_.back().end = range.end;
    open_.back().count += range.count;
  } else {
    open_.push_back(range);
  }
  persistent_.edit().next = range.end;
}

void Delivery::skip_unwanted() {
  if (!may_have_more()) return;
  auto at = next();
  (void)log_.read(at, bit_);
  if (at != next()) persistent_.edit().next = at;
}

void Delivery::return_tail(log::Cursor begin, std::uint64_t count) {
  if (count == 0) return;
  INVARIANT(!open_.empty() && open_.back().end == next() && open_.back().begin <= begin,
            begin.position.bytes);
  auto& last = open_.back();
  INVARIANT(last.count >= count, last.count, count);
  last.count -= count;
  last.end = begin;
  persistent_.edit().next = begin;
  if (last.count == 0) open_.pop_back();
}

void Delivery::finish(const Range& part) {
  const auto later = std::upper_bound(open_.begin(), open_.end(), part.begin,
                                      [](log::Cursor c, const Range& r) { return c < r.begin; });
  INVARIANT(later != open_.begin(), part.begin.position.bytes);
  const auto at = std::prev(later);
  INVARIANT(part.end <= at->end && part.count <= at->count, part.end.position.bytes,
            at->end.position.bytes, part.count, at->count);
  const Range rest{part.end, at->end, at->count - part.count};
  // No wanted message may lie before it, though it may begin later: there may have been frames for
  // others.
  const auto before = at->begin == part.begin ? 0 : log_.count_between(at->begin, part.begin, bit_);
  if (before == 0) {
    if (rest.count == 0)
      open_.erase(at);
    else
      *at = rest;
    return;
  }
  // From the middle or the end: what is before stays, and so may something after.
  at->end = part.begin;
  at->count = before;
  const auto after = rest.count - before;
  if (after > 0) open_.insert(std::next(at), Range{part.end, rest.end, after});
}

void Delivery::redeliver(const Redelivery& redelivery, Nanoseconds due) {
  auto at = redeliveries_.size();
  while (at > 0 && redelivery.range.begin < redeliveries_[at - 1].range.begin) --at;
  redeliveries_.insert(at, redelivery);
  redelivery_due = std::max(redelivery_due, due);
}

void Delivery::redeliver_all(std::span<const Redelivery> redeliveries, Nanoseconds due) {
  if (redeliveries.empty()) return;
  std::vector<Redelivery> all;
  for (std::size_t i = 0; i < redeliveries_.size(); ++i) all.push_back(redeliveries_[i]);
  const auto middle = static_cast<std::ptrdiff_t>(all.size());
  for (const auto& next : redeliveries) {
    const bool follows = static_cast<std::ptrdiff_t>(all.size()) > middle &&
                         all.back().range.end == next.range.begin &&
                         all.back().attempt == next.attempt;
    if (follows) {
      all.back().range.end = next.range.end;
      all.back().range.count += next.range.count;
    } else {
      all.push_back(next);
    }
  }
  std::inplace_merge(all.begin(), all.begin() + middle, all.end(),
                     [](const auto& a, const auto& b) { return a.range.begin < b.range.begin; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < redeliveries_.size())
      redeliveries_.edit(i) = all[i];
    else
      redeliveries_.push_back(all[i]);
  }
  redelivery_due = std::max(redelivery_due, due);
}

void Delivery::recover(const Range& range) {
  const bool sane = range.count > 0 && log_.trimmed() <= range.begin && range.begin < range.end &&
                    range.end <= next();
  if (!sane) throw state::Memory::Damaged("an open range lies outside its log");
  const auto later = std::upper_bound(open_.begin(), open_.end(), range.begin,
                                      [](log::Cursor c, const Range& r) { return c < r.begin; });
  const bool overlaps = (later != open_.end() && later->begin < range.end) ||
                        (later != open_.begin() && range.begin < std::prev(later)->end);
  if (overlaps) throw state::Memory::Damaged("two open ranges have the same message");
  const auto inserted = open_.insert(later, range);
  const auto place = static_cast<std::size_t>(std::distance(open_.begin(), inserted));
  join_with_next(place);
  if (place > 0) join_with_next(place - 1);
}

// Adjacent ranges are one, as when they were given out: an output may join their messages to one
// entry, which is settled in one go.
void Delivery::join_with_next(std::size_t place) {
  if (place + 1 == open_.size() || open_[place].end != open_[place + 1].begin) return;
  open_[place].end = open_[place + 1].end;
  open_[place].count += open_[place + 1].count;
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
}

std::uint64_t Delivery::drop_rest(Reason reason, log::Cursor kept) {
  const auto count = in_flight_before(kept);
  edit_tally().drop(reason, in_flight() - saved() - count);
  open_.clear();
  redeliveries_.clear();
  auto& record = persistent_.edit();
  record.next = log_.end();
  record.saved += count;
  return count;
}

std::uint64_t Delivery::in_flight_before(log::Cursor end) const {
  std::uint64_t count = next() < end ? log_.count_between(next(), end, bit_) : 0;
  for (const auto& range : open_)
    if (range.begin < end)
      count += end < range.end ? log_.count_between(range.begin, end, bit_) : range.count;
  return count;
}

bool Delivery::has_all() const {
  std::uint64_t open = 0, redelivery = 0;
  for (const auto& range : open_) open += range.count;
  for (std::size_t i = 0; i < redeliveries_.size(); ++i) redelivery += redeliveries_[i].range.count;
  return open == redelivery;
}

void Delivery::save_before(log::Cursor end) {
  if (const auto count = pass_before(end)) persistent_.edit().saved += count;
}

std::uint64_t Delivery::drop_before(log::Cursor end, Reason reason) {
  const auto count = pass_before(end);
  if (count > 0) edit_tally().drop(reason, count);
  return count;
}

std::uint64_t Delivery::withdraw(
    const std::function<void(log::Cursor begin, log::Cursor end)>& taken) {
  for (std::size_t i = 0; i < redeliveries_.size(); ++i)
    taken(redeliveries_[i].range.begin, redeliveries_[i].range.end);
  if (may_have_more()) taken(next(), log_.end());
  const auto count = pass_before(log_.end());
  if (count > 0) edit_tally().matched -= count;
  return count;
}

// What lies before `end` and is in nobody's hands is not in this delivery any more. Returns how
// many; the caller counts them.
std::uint64_t Delivery::pass_before(log::Cursor end) {
  std::uint64_t count = 0;
  while (!redeliveries_.empty() && redeliveries_.front().range.begin < end) {
    auto part = redeliveries_.front().range;
    if (end < part.end) {
      const auto later = part.count - log_.count_between(part.begin, end, bit_);
      redeliveries_.edit(0).range = {end, part.end, later};
      part = {part.begin, end, part.count - later};
    } else {
      redeliveries_.pop_front();
    }
    if (part.count == 0) continue;
    finish(part);
    count += part.count;
  }
  if (next() < end) {
    count += log_.count_between(next(), end, bit_);
    persistent_.edit().next = end;
  }
  return count;
}

void Delivery::bring_saved(std::uint64_t count) {
  auto& record = persistent_.edit();
  record.tally.matched += count;
  record.saved += count;
}

void Delivery::hand_over_saved(std::uint64_t count) {
  INVARIANT(saved() >= count && tally().matched >= count, saved(), tally().matched, count);
  auto& record = persistent_.edit();
  record.tally.matched -= count;
  record.saved -= count;
}

void Delivery::drop_saved(std::uint64_t count, Reason reason) {
  INVARIANT(saved() >= count, saved(), count);
  auto& record = persistent_.edit();
  record.tally.drop(reason, count);
  record.saved -= count;
}

std::uint64_t Delivery::in_flight() const {
  std::uint64_t open = 0;
  for (const auto& r : open_) open += r.count;
  return saved() + open + log_.count_from(next(), bit_);
}

void Delivery::sample_latency(const Clock& clock, std::optional<Nanoseconds>& wall) {
  const auto from = sampled_;
  sampled_ = settled();
  const auto before = std::exchange(sampled_delivered_, tally().delivered);
  if (sampled_delivered_ <= before || !(from < sampled_) || from < log_.trimmed()) return;
  const auto accepted = log_.time_of_next(from, bit_);
  if (!accepted) return;
  if (!wall) wall = clock.wall();
  latency_.add(*wall - Nanoseconds(static_cast<std::int64_t>(*accepted)),
               sampled_delivered_ - before, *wall);
}

void Delivery::check_invariants() const {
  INVARIANT(log_.trimmed() <= settled() && settled() <= next() && next() <= log_.end(),
            settled().position.bytes, next().position.bytes);
  for (std::size_t i = 0; i < open_.size(); ++i) {
    INVARIANT(open_[i].begin < open_[i].end && open_[i].count > 0, i);
    INVARIANT(i == 0 || open_[i - 1].end <= open_[i].begin, i);
  }
  INVARIANT(tally().matched == tally().settled() + in_flight(), source_, tally().matched,
            tally().settled(), in_flight());
}

}  // namespace standpipe::deliver
