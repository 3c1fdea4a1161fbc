// SPDX-License-Identifier: Apache-2.0
#include "worker/hub_account.h"

#include <algorithm>

namespace standpipe::worker {
namespace {

using InFlight = HubAccount::InFlight;

std::uint64_t in_flight_of(const deliver::Delivery& delivery, InFlight how) {
  const auto& tally = delivery.tally();
  return how == InFlight::counted ? delivery.in_flight() : tally.matched - tally.settled();
}

}  // namespace

deliver::Account HubAccount::account(InFlight how, const Facts& facts) const {
  deliver::Account account;
  for (const auto& source : sources_)
    account.sources.push_back({source.inlet->name(), source.inlet->counters(),
                               facts.unmatched ? facts.unmatched->name() : ""});
  for (const auto& handler : handlers_.all())
    for (const auto& delivery : handler->deliveries()) {
      // What comes from a queue is in the line of where that has it from.
      if (queues_.to(*delivery) || delivery->is_replay()) continue;
      const auto& line = account.lines.emplace_back(line_of(*delivery, *handler, how, facts));
      account.spilled += line.saved;
    }
  for (const auto& source : sources_)
    for (const auto& replay : source.replays) add_replay(account, *replay, how, facts.has_ended);
  return account;
}

deliver::Account::Line HubAccount::line_of(const deliver::Delivery& delivery,
                                           const deliver::HandlerLoop& handler, InFlight how,
                                           const Facts& facts) const {
  const auto& inlet = *sources_.of(delivery).inlet;
  deliver::Account::Line line{delivery.source(), handler.name(), delivery.tally(),
                              in_flight_of(delivery, how)};
  if (&handler == facts.unmatched) line.unmatched = inlet.counters().unmatched_taken;
  line.saved = delivery.saved();
  const auto* queue = queues_.from(delivery);
  const auto& giving = queue && queue->is_armed() ? queue->to() : delivery;
  if (queue) {
    const auto waits = in_flight_of(queue->to(), how);
    line.tally += queue->to().tally();
    line.saved += waits;
    line.in_flight += waits;
  }
  if (inlet.is_spilled()) line.saved = line.in_flight;
  if (how == InFlight::left && (queue || line.in_flight > line.saved))
    line.oldest = giving.oldest();
  line.latency = giving.latency().percentiles(facts.now);
  return line;
}

// It is a part of the line of its source and handler, if there is one. Its letters are on the disk.
void HubAccount::add_replay(deliver::Account& account, const Replay& replay, InFlight how,
                            bool has_ended) {
  if (replay.delivery().tally().matched == 0) return;
  const auto found = std::find_if(
      account.lines.begin(), account.lines.end(), [&](const deliver::Account::Line& line) {
        return line.source == replay.source() && line.handler == replay.handler();
      });
  auto& line = found != account.lines.end() ? *found
                                            : account.lines.emplace_back(deliver::Account::Line{
                                                  replay.source(), replay.handler(), {}, 0});
  line.tally += replay.delivery().tally();
  const auto in_flight =
      how == InFlight::counted ? replay.delivery().in_flight() : replay.in_hand();
  line.in_flight += in_flight;
  if (has_ended) line.saved += in_flight;
}

std::vector<HubAccount::Orphan> HubAccount::orphans() const {
  std::vector<Orphan> orphans;
  for (const auto& source : sources_)
    for (const auto* delivery : source.inlet->deliveries()) {
      const auto& handler = handlers_[source.inlet->matcher().handlers()[delivery->bit()]];
      const auto left = delivery->in_flight() - delivery->saved();
      if (handler.departed() && left > 0)
        orphans.push_back({source.inlet->name(), handler.name(), left});
    }
  return orphans;
}

std::uint64_t HubAccount::in_memory() const {
  std::uint64_t count = 0;
  for (const auto& source : sources_)
    for (const auto* delivery : source.inlet->deliveries())
      count += in_flight_of(*delivery, InFlight::left) - delivery->saved();
  return count;
}

}  // namespace standpipe::worker
