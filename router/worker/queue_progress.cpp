// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_progress.h"

#include <algorithm>

#include "base/invariant.h"
#include "state/directory.h"

namespace standpipe::worker {
namespace {

std::string record_name(const std::string& source, const std::string& handler) {
  return "disk-queue/" + state::delivery_name(source, handler);
}

std::uint64_t stored(Nanoseconds when) { return static_cast<std::uint64_t>(when.count()); }

}  // namespace

QueueProgress::QueueProgress(const std::string& source, const std::string& handler,
                             deliver::Delivery& from, deliver::Delivery& to)
    : from_(from), to_(to), state_(to.log().keeping(), record_name(source, handler)) {}

bool QueueProgress::has_none_in_files(const state::Memory& memory, const std::string& source,
                                      const std::string& handler) {
  const auto bytes = memory.find(record_name(source, handler));
  if (bytes.empty()) return true;
  if (bytes.size() != sizeof(State)) throw state::Damaged("a queue's record has another size");
  const auto& state = *reinterpret_cast<const State*>(bytes.data());
  return state.next == state.fed;
}

void QueueProgress::rename(state::Memory& memory, const std::string& from, const std::string& to,
                           const std::string& handler) {
  if (const auto record = record_name(from, handler); memory.has_record(record))
    memory.rename_record(record, record_name(to, handler));
}

void QueueProgress::remove(state::Memory& memory, const std::string& source,
                           const std::string& handler) {
  if (const auto record = record_name(source, handler); memory.has_record(record))
    memory.remove_record(record);
}

std::uint64_t QueueProgress::waiting() const {
  return in_files() + to_.tally().matched - to_.tally().settled();
}

std::uint64_t QueueProgress::settled_number() const {
  const auto unsettled = (log().end().sequence - to_.settled().sequence) + state_->skipped;
  return state_->fed - std::min(state_->fed - 1, unsettled);
}

void QueueProgress::begin(const Left& left, Nanoseconds now) {
  state_.edit() = {.begun = 1,
                   .others = from_.saved(),
                   .segment = left.segment,
                   .end_bytes = left.end_bytes,
                   .next = left.next,
                   .fed = left.fed,
                   .read_segment = left.read_segment,
                   .read_offset = 0,
                   .boundary = 0,
                   .skipped = 0,
                   .armed = left.read_segment != 0 ? 1U : 0U,
                   .since_ns = stored(now)};
  from_.bring_saved(in_files());
}

bool QueueProgress::wrote(std::uint64_t segment, std::uint64_t end_bytes, std::uint64_t messages,
                          log::Cursor end) {
  from_.save_before(end);
  auto& state = state_.edit();
  state.segment = segment;
  state.end_bytes = end_bytes;
  state.next += messages;
  const bool is_read_next = state.read_segment == 0;
  if (is_read_next) {
    state.read_segment = segment;
    state.read_offset = 0;
  }
  commit();
  return is_read_next;
}

void QueueProgress::leave_segment() {
  auto& state = state_.edit();
  state.segment = state.end_bytes = 0;
}

void QueueProgress::fed(std::uint64_t messages, std::uint64_t read_offset) {
  auto& state = state_.edit();
  state.fed += messages;
  state.read_offset = read_offset;
  from_.hand_over_saved(messages);
  to_.edit_tally().matched += messages;
  commit();
}

void QueueProgress::pass_over(std::uint64_t until, deliver::Reason reason) {
  const auto count = until - state_->fed;
  from_.drop_saved(count, reason);
  auto& state = state_.edit();
  state.fed = until;
  state.skipped += count;
}

void QueueProgress::forget_skipped() {
  if (log().empty() && state_->skipped > 0) state_.edit().skipped = 0;
}

void QueueProgress::read_on_in(std::uint64_t segment) {
  auto& state = state_.edit();
  state.read_segment = segment;
  state.read_offset = 0;
  state.boundary = log().end().position.bytes;
}

void QueueProgress::read_on_at_end() {
  auto& state = state_.edit();
  if (state.read_segment == state.segment)
    state.read_offset = state.end_bytes;
  else
    state.read_segment = state.read_offset = 0;
}

void QueueProgress::arm(Nanoseconds now) {
  auto& state = state_.edit();
  state.armed = 1;
  state.since_ns = stored(now);
}

void QueueProgress::stay_armed() {
  if (!state_->armed) state_.edit().armed = 1;
}

void QueueProgress::retire() {
  auto& state = state_.edit();
  state.segment = state.end_bytes = state.read_segment = state.read_offset = 0;
  commit();
}

void QueueProgress::check_invariants(const std::string& name) const {
  INVARIANT(state_->fed <= state_->next, name, state_->fed, state_->next);
  INVARIANT(!state_->begun || from_.saved() == state_->others + in_files(), name, from_.saved(),
            state_->others, state_->next, state_->fed);
}

}  // namespace standpipe::worker
