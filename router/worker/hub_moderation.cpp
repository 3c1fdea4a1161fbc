// SPDX-License-Identifier: Apache-2.0
// Hub: who tells that there is something in a source's FIFO, epoll or the clock.
#include "base/failure.h"
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {

void Hub::moderate(std::size_t i, Inlet::Turn turn) {
  if (!poller_.is_exact()) return;
  if (turn == Inlet::Turn::full) return end_moderation(i);
  auto& inlet = *inlets_[i];
  auto& moderation = inlet.moderation();
  const bool was = moderation.by_clock();
  moderation.after_turn(now_, inlet.books().accepted);
  if (!was && moderation.by_clock()) poller_.remove(inlet.fifo().fd());
  if (was && !moderation.by_clock() && !watch(i)) moderation.go_on();
  if (moderation.by_clock() && turn == Inlet::Turn::idle) timers_.set(key(kInlet, i), now_ + Moderation::kLook);
}

// It will not be looked at for longer than a look: only epoll tells then that its writers have gone.
void Hub::end_moderation(std::size_t i) {
  auto& moderation = inlets_[i]->moderation();
  if (moderation.end() && !watch(i)) moderation.go_on();
}

// Epoll tells at once of what is there already. false: the kernel has no memory for that now, so the clock goes on.
bool Hub::watch(std::size_t i) try {
  poller_.add(inlets_[i]->fifo().fd(), EPOLLIN, key(kInlet, i));
  return true;
} catch (const Failure&) {
  return false;
}

}  // namespace standpipe::worker
