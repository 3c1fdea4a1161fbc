// SPDX-License-Identifier: Apache-2.0
// Hub: FIFOs that somebody else removes or replaces while it runs.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failure.h"
#include "control/server.h"
#include "source/fifo_claim.h"
#include "worker/event_key.h"
#include "worker/fifo_patrol.h"
#include "worker/hub.h"

namespace standpipe::worker {

void Hub::claim(const source::FifoSource& fifo) const {
  source::claim_fifo(fifo.path(), fifo.fd(), link_.kept() ? link_.keeper_pid() : ::getpid());
}

void Hub::tell_difference(const Inlet& inlet) {
  const auto& fifo = inlet.fifo();
  if (fifo.differs().empty()) return;
  reporter_.warning("fifo-differs", inlet.name() + ": " + fifo.path() + " " + fifo.differs() + "; it is kept as it is",
                    "chmod or chown it, or remove it: the hub makes it as the configuration says");
}

// A path that no longer leads to the FIFO is found here, whether or not a writer ever comes or goes.
void Hub::look_for_fifos() {
  if (stopping_) return;
  const auto began = clock_.steady();
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    if (inlets_[i]->is_reachable()) continue;
    inlets_[i]->look_for_end();
    ready_inlets_.add(i);
  }
  data_.look(link_);
  if (control_) look_for_control();
  const auto ended = clock_.steady();
  timers_.set(key(kFifos), ended + FifoPatrol::pause_after(ended - began));
}

// Whoever asks finds the hub by its socket's file.
void Hub::look_for_control() {
  try {
    if (!control_->listen_again()) return;
    link_.keep("control", control_->listener().fd());
    reporter_.info("the control socket " + control_->listener().path() + " was removed; it is made again");
    control_lost_ = false;
  } catch (const Failure& failure) {
    if (!std::exchange(control_lost_, true)) reporter_.warning("control", failure.what(), failure.help());
  }
}

// Those whose time has come. One that was opened only now may have something to send.
void Hub::visit_outputs() {
  if (stopping_) return;
  auto next = now_ + std::chrono::hours(1);
  for (std::size_t o = 0; o < outlets_.size(); ++o) {
    auto& outlet = outlets_[o];
    if (outlet.visit_at <= now_) {
      outlet.visit_at = outlet.output->visit(now_);
      if (outlet.watched != outlet.output->openings()) ready_outlets_.add(o);
      after_pump(o);
    }
    next = std::min(next, outlet.visit_at);
  }
  timers_.set(key(kVisits), std::max(next, now_ + kVisitEach));
}

// The old one was read to its end, and nobody has it open to write. When it cannot be had anew, the next look tries again.
void Hub::reopen_source(std::size_t i) {
  auto& inlet = *inlets_[i];
  end_moderation(i);
  try {
    const auto old = inlet.reopen([this](const source::FifoSource& fresh) { claim(fresh); });
    link_.keep("source/" + inlet.name(), inlet.fifo().fd());
    poller_.remove(old.fd());  // the keeper may have it a moment longer
    poller_.add(inlet.fifo().fd(), EPOLLIN, key(kInlet, i));
    if (budget_.source_fifo) inlet.fifo().grow(budget_.source_fifo);
    if (relays_[i]) relays_[i]->follow(inlet.fifo().fd());
    ready_inlets_.add(i);
    reporter_.info(inlet.name() + ": " +
                   (inlet.fifo().created() ? "made " + inlet.fifo().path() + " again"
                                           : "reads the FIFO that is at " + inlet.fifo().path() + " now"));
    tell_difference(inlet);
  } catch (const Failure& failure) {
    inlet.cannot_reopen(failure);
  }
}

}  // namespace standpipe::worker
