// SPDX-License-Identifier: Apache-2.0
// Hub: which sources are relayed, and when what comes is left in their FIFOs for that.
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kHoldMost = 10ms;  // a reader that takes less than the log in that time is slow: writers need the log

}  // namespace

// Where one source feeds one handler, and both nothing else, whatever the messages say. What the handler does with them shows
// later.
void Hub::connect_relays() {
  relays_.resize(inlets_.size());
  hold_until_.resize(inlets_.size());
  relayed_to_.resize(inlets_.size());
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    auto& inlet = *inlets_[i];
    if (handlers_of_[i].size() != 1 || !inlet.matcher().constant()) continue;
    if (handlers_[handlers_of_[i][0]]->deliveries().size() != 1) continue;
    relays_[i] = std::make_unique<deliver::Relay>(*memory_, inlet.name(), inlet.fifo().fd(), *inlet.deliveries()[0]);
  }
}

deliver::Output* Hub::relays_to(std::size_t i) const {
  return relays_[i] ? handlers_[handlers_of_[i][0]]->sends_all_to() : nullptr;
}

// A relay wants the output's stage empty and the log, too. While the reader takes quickly, what comes waits in its FIFO for that; a
// slow one must not keep writers from the log's room, so it is tried again only when they wait for that anyway.
bool Hub::holds_back(std::size_t i, const deliver::Output* output) {
  if (!output || stopping_ || inlets_[i]->hung_up() || !relays_[i]->waits_for(*output)) {
    hold_until_[i] = {};
    return false;
  }
  if (hold_until_[i] == Nanoseconds(0)) hold_until_[i] = now_ + kHoldMost;
  if (now_ < hold_until_[i]) {
    held_inlets_.add(i);
    end_moderation(i);
    timers_.set(key(kInlet, i), hold_until_[i]);
    return true;
  }
  if (full_inlets_[i]) hold_until_[i] = {};
  return false;
}

void Hub::end_holds() {
  for (const auto i : held_inlets_.round()) {
    const auto* output = relays_to(i);
    (output && relays_[i]->waits_for(*output) ? held_inlets_ : ready_inlets_).add(i);
  }
}

std::vector<Hub::RelayState> Hub::relays() const {
  std::vector<RelayState> states;
  for (std::size_t i = 0; i < relays_.size(); ++i)
    if (const auto* output = relayed_to_[i])
      states.push_back({inlets_[i]->name(), output->path(), output->relayed(),
                        output->others_write() ? "others write to " + output->path() + ", or may" : relays_[i]->refused()});
  return states;
}

}  // namespace standpipe::worker
