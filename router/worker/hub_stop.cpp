// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "base/failure.h"
#include "base/text.h"
#include "worker/event_key.h"
#include "worker/hub.h"

// How a hub ends.
namespace standpipe::worker {

using namespace std::chrono_literals;

void Hub::on_asked(const keeper::Link::Asked& asked) {
  if (asked.reload)
    reporter_.info("SIGHUP: this version does not reload; stop and start the hub to take up a changed configuration");
  if (asked.reopen) reopen_files();
  for (auto stops = asked.stops; stops > 0; --stops) {
    if (!stopping_) {
      begin_stop();
      continue;
    }
    reporter_.info("asked to stop again: not waiting any longer");
    deadline_ = now_;
  }
}

void Hub::reopen_files() {
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    handlers_[h]->want_reopen();
    ready_handlers_.add(h);
  }
}

void Hub::begin_stop() {
  stopping_ = true;
  deadline_ = clock_.steady() + options_.drain_timeout;
  timers_.set(key(kDeadline), *deadline_);
  reporter_.info("stopping: what was written until now is delivered, for at most " + duration_text(options_.drain_timeout));
  close_sources();
  take_room();
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    inlets_[i]->begin_stop();
    if (fed_by_ourselves(*inlets_[i])) inlets_[i]->read_on();
    ready_inlets_.add(i);
  }
}

void Hub::stop_step() {
  if (!closing_ && (now_ >= *deadline_ || all_drained())) begin_close();
  if (!closing_ || (!all_closed() && now_ < *deadline_)) return;
  for (const auto& h : handlers_) {
    if (!h->in_call()) continue;
    reporter_.error("stuck", h->name() + ": its plugin does not come back from a call; the hub ends without it");
    h->abandon();
    abandoned_ = true;
  }
  for (auto& outlet : outlets_) outlet.output->stop();
  keep_rest();
  finished_ = true;
}

// Nothing new is begun: handlers flush and close, outputs finish the message they are in, in a second at most.
void Hub::begin_close() {
  end_flow();
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    handlers_[h]->want_close(*deadline_);
    ready_handlers_.add(h);
  }
}

void Hub::end_flow() {
  closing_ = true;
  for (std::size_t o = 0; o < outlets_.size(); ++o) {
    outlets_[o].output->finish_frame();
    ready_outlets_.add(o);
  }
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    inlets_[i]->cut_feed();
    inlets_[i]->read_on();
    ready_inlets_.add(i);
  }
  deadline_ = std::max(*deadline_, now_ + 1s);
  timers_.set(key(kDeadline), *deadline_);
}

bool Hub::all_closed() const {
  return std::all_of(handlers_.begin(), handlers_.end(), [](const auto& h) { return h->closed(); }) && all_moved();
}

bool Hub::all_moved() const {
  return std::all_of(outlets_.begin(), outlets_.end(), [](const auto& o) { return o.output->all_moved(); });
}

bool Hub::all_drained() {
  const bool accepted = std::all_of(inlets_.begin(), inlets_.end(), [](const auto& inlet) { return inlet->stopped(); });
  if (!accepted) return false;
  bool moved = true;
  for (auto& outlet : outlets_) {
    if (outlet.output->all_moved()) outlet.output->stop();
    moved = moved && outlet.output->idle();
  }
  return moved && std::all_of(handlers_.begin(), handlers_.end(), [](const auto& h) { return h->drained(); }) && !goes_round();
}

// Whatever is left now will not be delivered by this run: it is kept for the next one, or else counted, and said.
void Hub::keep_rest() {
  link_.saving();
  memory_->commit();
  run_.edit().saving = 1;
  memory_->commit();
  take_last();
  for (auto& inlet : inlets_) {
    spill_room_.give_back(inlet->spill_bytes());
    if (!spill(*inlet)) drop(*inlet);
  }
  spill_room_ = {};
  memory_->commit();
  leave_notes();
  data_.end_checkpoints();
  link_.stopping();  // not before: a plugin that ends the process while something is left must not look like our own end
}

bool Hub::spill(Inlet& inlet) try {
  if (!inlet.spills()) return false;
  end_overflow(inlet);
  const auto spilled = inlet.spills()->spill({inlet.deliveries().begin(), inlet.deliveries().end()});
  for (const auto* delivery : inlet.deliveries())
    if (const auto left = delivery->in_flight() - delivery->saved())
      reporter_.info(inlet.name() + " -> " + handler_of(*delivery).name() + ": " + counted(left, "message waits", "messages wait") +
                     " in " + spilled.path + " for the next start");
  if (spilled.unfed)
    reporter_.info(inlet.name() + ": " + counted(spilled.unfed, "message") + " of an earlier run " +
                   (spilled.unfed == 1 ? "waits" : "wait") + " on in " + spilled.path);
  return true;
} catch (const Failure& failure) {
  reporter_.error("spill", inlet.name() + ": what is left cannot be saved: " + failure.what(), failure.help());
  return false;
}

void Hub::drop(const Inlet& inlet) {
  for (auto* delivery : inlet.deliveries()) {
    const auto left = delivery->in_flight() - delivery->saved();
    if (left == 0) continue;
    delivery->abandon(deliver::Reason::shutdown);
    reporter_.warning("shutdown", inlet.name() + " -> " + handler_of(*delivery).name() + ": " + counted(left, "message") +
                                      " could not be delivered in time and " + (left == 1 ? "is" : "are") + " dropped (shutdown)");
  }
}

// What a keeper that gives up, or that is stopped while it has no worker, still wants of one.
void Hub::save() {
  stopping_ = true;
  now_ = clock_.steady();
  deadline_ = now_;
  if (!run_->saving) {
    for (auto& inlet : inlets_) inlet->begin_stop();
    end_flow();
    while (!all_moved() && now_ < *deadline_) {
      wait();
      pump();
    }
    for (auto& outlet : outlets_) outlet.output->stop();
  }
  keep_rest();
  finished_ = true;
}

}  // namespace standpipe::worker
