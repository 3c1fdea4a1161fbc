// SPDX-License-Identifier: Apache-2.0
#include "deliver/blame.h"

namespace standpipe::deliver {

Blame::Blame(state::Memory& memory, const HandlerOptions& options, std::size_t id)
    : memory_(memory), id_(id), record_(memory, "blame/" + options.name) {}

Blame::Finding Blame::judge_call(const Death& death, Phase phase) {
  const auto p = static_cast<std::uint16_t>(phase);
  auto& record = record_.edit();
  const auto verdict = judge(death, id_, {p, 0, 0}, record.alone_in == p, record.streak);
  if (verdict == Verdict::innocent) return {verdict, 0};
  memory_.count_progress();
  record.alone_in = death.is_named() || death.is_childs() ? std::uint16_t{0} : p;
  if (verdict == Verdict::guilty) ++record.deaths_in[p];
  const Finding finding{verdict, record.deaths_in[p]};
  if (finding.is_enough()) record.deaths_in[p] = 0;
  return finding;
}

Verdict Blame::judge_messages(const Death& death, std::uint32_t delivery, std::uint64_t first,
                              bool alone) {
  const CallKey call{static_cast<std::uint32_t>(Phase::handle), delivery, first};
  const auto verdict = judge(death, id_, call, alone, record_.edit().streak);
  if (verdict != Verdict::innocent) memory_.count_progress();  // less is suspect than before
  return verdict;
}

bool Blame::is_to_be_alone(CallKind kind) const {
  const auto is = [this](Phase phase) {
    return record_->alone_in == static_cast<std::uint16_t>(phase);
  };
  if (kind == CallKind::open) return is(Phase::open);
  if (kind == CallKind::reopen) return is(Phase::reopen);
  if (kind == CallKind::flush) return is(Phase::flush);
  if (kind == CallKind::tick) return is(Phase::tick);
  if (kind == CallKind::poll) return is(Phase::poll);
  return is(Phase::close) || (kind == CallKind::close && is(Phase::flush));
}

void Blame::forgive(CallKind returned) {
  if (returned == CallKind::create) forget(Phase::create);
  if (returned == CallKind::open) forget(Phase::open);
  if (returned == CallKind::handle) forget(Phase::handle);
  if (returned == CallKind::reopen) forget(Phase::reopen);
  if (returned == CallKind::tick) came_back_again(Phase::tick);
  if (returned == CallKind::poll) came_back_again(Phase::poll);
  if (returned == CallKind::close || returned == CallKind::flush) forget(Phase::flush);
  if (returned == CallKind::close || returned == CallKind::disconnect) forget(Phase::close);
}

// Runs for each batch, so it checks before it edits, because an edit costs an entry in the undo
// log.
void Blame::forget(Phase phase) {
  const auto p = static_cast<std::uint16_t>(phase);
  if (record_->deaths_in[p] > 0) record_.edit().deaths_in[p] = 0;
  end_streak(phase);
}

void Blame::came_back_again(Phase phase) {
  end_streak(phase);
  if (++returns_ == kTicksForgiven) forget(phase);
}

void Blame::end_streak(Phase phase) {
  const auto p = static_cast<std::uint16_t>(phase);
  if (record_->alone_in == p) record_.edit().alone_in = 0;
  if (record_->streak.deaths > 0 && record_->streak.call.phase == p) record_.edit().streak = {};
}

}  // namespace standpipe::deliver
