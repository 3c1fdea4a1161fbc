// SPDX-License-Identifier: Apache-2.0
#include "deliver/last_taken.h"

#include "base/text.h"

namespace standpipe::deliver {

LastTaken::LastTaken(state::Memory& memory, const std::string& name, const SendQueue& queue)
    : queue_(queue), taken_(memory, "taken/" + name) {}

void LastTaken::remove(state::Memory& memory, const std::string& name) {
  if (!memory.has_record("taken/" + name)) return;
  state::PersistentDeque<Taken>::before_its_owner(memory, "taken/" + name).clear();
  memory.remove_record("taken/" + name);
}

void LastTaken::forget(state::Memory& memory, const std::string& name, std::uint32_t delivery) {
  if (!memory.has_record("taken/" + name)) return;
  auto taken = state::PersistentDeque<Taken>::before_its_owner(memory, "taken/" + name);
  bool is_there = false;
  for (std::size_t i = 0; i < taken.size(); ++i) is_there |= taken[i].delivery == delivery;
  for (auto left = is_there ? taken.size() : 0; left > 0; --left) {
    const auto one = taken.front();
    taken.pop_front();
    if (one.delivery != delivery) taken.push_back(one);
  }
}

void LastTaken::validate() {
  bytes_ = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    (void)queue_.delivery_with(taken_[i].delivery);
    bytes_ += taken_[i].bytes;
  }
}

// Keeps the newest, together at least what the FIFO holds, if there was that much.
void LastTaken::remember(const Delivery& delivery, const Range& part, std::uint64_t capacity) {
  constexpr std::size_t kMost = 1024;
  const auto bytes = part.end.position - part.begin.position;
  const auto first = part.begin.sequence.number, last = part.end.sequence.number - 1;
  bytes_ += bytes;
  const bool follows_on =
      !taken_.empty() && taken_.back().delivery == delivery.id() && taken_.back().last + 1 == first;
  if (follows_on && taken_.back().bytes + bytes <= capacity / 4) {
    auto& longer = taken_.edit(taken_.size() - 1);
    longer.last = last;
    longer.count += part.count;
    longer.bytes += bytes;
  } else {
    taken_.push_back({delivery.id(), first, last, part.count, bytes});
  }
  while (taken_.size() > 1 &&
         (taken_.size() > kMost || bytes_ - taken_.front().bytes >= capacity)) {
    bytes_ -= taken_.front().bytes;
    taken_.pop_front();
  }
}

void LastTaken::count_unacknowledged(const std::string& path, bool left_some, Reporter& reporter,
                                     Nanoseconds now) {
  std::uint64_t count = 0, left_out = 0;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    queue_.delivery_with(taken_[i].delivery).edit_tally().unacknowledged += taken_[i].count;
    count += taken_[i].count;
  }
  if (count > 0 && left_some && deaths_.allow(now, left_out)) {
    const auto& newest = taken_.back();
    reporter.info(path + ": its reader left before it had taken all; the last that it took, " +
                  counted(count, "message") + " up to number " + thousands(newest.last) + " of " +
                  queue_.delivery_with(newest.delivery).source() +
                  ", may not have been processed (unacknowledged)" +
                  (left_out ? "; so for other readers before" : ""));
  }
  taken_.clear();
  bytes_ = 0;
}

}  // namespace standpipe::deliver
