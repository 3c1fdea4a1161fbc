// SPDX-License-Identifier: Apache-2.0
#include "worker/relay_policy.h"

#include <algorithm>
#include <memory>

#include "worker/event_key.h"

namespace standpipe::worker {

namespace {

// Replays of dead letters that are over are none.
std::size_t deliveries_of(const deliver::HandlerLoop& handler) {
  const auto& all = handler.deliveries();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& d) {
    return !d->is_replay() || d->has_open() || d->may_have_more();
  }));
}

}  // namespace

void RelayPolicy::connect(state::Memory& memory) {
  for (auto& source : sources_) {
    auto& inlet = *source.inlet;
    if (!inlet.has_fifo() || source.handlers.size() != 1 || !inlet.matcher().constant()) continue;
    if (deliveries_of(handlers_[source.handlers[0]]) != 1 || !source.queues.empty()) continue;
    source.relay = std::make_unique<deliver::Relay>(memory, inlet.name(), inlet.fifo().fd(),
                                                    *inlet.deliveries()[0]);
  }
}

// A delivery may have been added since.
deliver::Output* RelayPolicy::output_of(const SourceSlot& source) const {
  if (!source.relay) return nullptr;
  const auto& handler = handlers_[source.handlers[0]];
  return deliveries_of(handler) == 1 ? handler.sends_all_to() : nullptr;
}

bool RelayPolicy::prepare_turn(std::size_t i, bool stopping) {
  auto& source = sources_[i];
  auto* output = output_of(source);
  if (holds_back(i, output, stopping)) return false;
  if (output) source.relayed_to = output;
  source.inlet->relay(source.relay.get(), output);
  return true;
}

bool RelayPolicy::holds_back(std::size_t i, const deliver::Output* output, bool stopping) {
  auto& source = sources_[i];
  if (!output || stopping || source.inlet->hung_up() || !source.relay->waits_for(*output)) {
    source.held_until = {};
    return false;
  }
  if (source.held_until == Nanoseconds(0)) source.held_until = loop_.now() + kHoldMost;
  if (loop_.now() < source.held_until) {
    sources_.held().add(i);
    source.watch.stop_polling();
    loop_.set_timer(key(kInlet, i), source.held_until);
    return true;
  }
  // A slow reader: it is tried again only when writers wait for the log's room anyway.
  if (source.is_full) source.held_until = {};
  return false;
}

void RelayPolicy::end_holds() {
  if (sources_.held().empty()) return;
  for (const auto i : sources_.held().round()) {
    const auto* output = output_of(sources_[i]);
    const bool waits = output && sources_[i].relay->waits_for(*output);
    (waits ? sources_.held() : sources_.ready()).add(i);
  }
}

std::vector<RelayState> RelayPolicy::states() const {
  std::vector<RelayState> states;
  for (const auto& source : sources_) {
    const auto* output = source.relayed_to;
    if (!output) continue;
    const bool shared = output->fifo()->others_write();
    states.push_back(
        {source.inlet->name(), output->path(), output->fifo()->relayed(),
         shared ? "others write to " + output->path() + ", or may" : source.relay->refused()});
  }
  return states;
}

}  // namespace standpipe::worker
