// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/text.h"
#include "keeper/keeper.h"
#include "keeper/processes.h"

// When a keeper checks its worker, and why it kills it.
namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kStartMost = 60s;  // until a worker is ready, where a service manager waits
constexpr Nanoseconds kTrialMost =
    30s;  // until a worker with a configuration that it tries is ready
constexpr int kOtherwise =
    12;  // times as patient with a plugin that is in another call than handle
constexpr Nanoseconds kNothingToLoseMost =
    1s;  // for a first worker to hear of a stop before it has any memory
constexpr Nanoseconds kLinklessMost =
    2s;  // between a worker's last word and its end, where /proc tells nothing

}  // namespace

std::optional<Nanoseconds> Keeper::next_duty(Nanoseconds spill_end) const {
  if (worker_->killed) return std::nullopt;  // SIGCHLD is all that is left to come
  std::optional<Nanoseconds> next;
  const auto or_sooner = [&](std::optional<Nanoseconds> look) {
    if (look) next = next ? std::min(*next, *look) : *look;
  };
  if (worker_->meant) or_sooner(worker_->meant_at + options_.stop_patience);
  if (worker_->silent_since) or_sooner(*worker_->silent_since + kLinklessMost);
  if (worker_->spills) {
    or_sooner(spill_end);
    return next;
  }
  if (!worker_->silent) or_sooner(requests_.next());
  if (tries()) or_sooner(worker_->began + kTrialMost);
  or_sooner(terminal_.next());
  if (!manager_.knows_of_stop()) or_sooner(watchdog_.next());
  if (stop_is_watched()) or_sooner(stop_watch_.next());
  if (stop_is_watched() && nothing_is_begun())
    or_sooner(requests_.stop_wanted_at() + kNothingToLoseMost);
  if (page_ && !page_->watches().empty()) {
    or_sooner(hang_watch_.next_poll());
    or_sooner(loop_watch_.next_sample());
  }
  return next;
}

void Keeper::kill_worker() {
  if (!std::exchange(worker_->killed, true)) ::kill(worker_->pid, SIGKILL);
}

// A worker without its link would be a hub that looks alive and that nobody can stop or replace. A
// worker that ends closes the link too, a moment before it can be waited for; killing it then
// changes nothing.
void Keeper::watch_link() {
  if (worker_->killed) return;
  const auto now = clock_.steady();
  if (worker_->meant && now - worker_->meant_at >= options_.stop_patience)
    return kill_worker();  // some destructor hangs
  if (!worker_->silent || worker_->meant) return;
  if (!worker_->silent_since) worker_->silent_since = now;
  if (is_ending(worker_->pid) && now - *worker_->silent_since < kLinklessMost) return;
  reporter_.warning("link",
                    "the worker has closed its link to the keeper, and lives: a plugin closed a "
                    "descriptor that is not its own; "
                    "the worker is killed");
  kill_worker();
}

void Keeper::watch_for_hangs() {
  if (!page_ || worker_->killed || worker_->spills || clock_.steady() < hang_watch_.next_poll())
    return;
  for (const auto& hung : hang_watch_.poll(page_->watches(), clock_.steady())) {
    auto& watch = page_->watches()[hung.handler];
    if (state::load_acquire(watch.call) != hung.call) continue;  // back in the last moment
    std::atomic_ref(watch.hung).store(hung.call, std::memory_order_release);
    reporter_.warning("hang", name_of(watch) + " did not come back from a call within " +
                                  duration_text(hung.timeout) + "; the worker is killed");
    kill_worker();
  }
}

// A worker whose loop hangs can report nothing, and `stats` gets no answer.
void Keeper::watch_loop() {
  if (!page_ || worker_->killed || worker_->spills || clock_.steady() < loop_watch_.next_sample())
    return;
  const auto reported = loop_watch_.sample(page_->watches(), clock_.steady());
  if (reported.empty()) return;
  reporter_.warning(
      "slow-call", reported,
      "`timeout: 30s` on the handler ends such calls; `isolation: thread` keeps them off the loop");
}

// A service manager that gets no sign of life ends everything, memory included. So the keeper acts
// first: it kills the worker, and that is the sign of life. A worker that is starting answers
// nothing, and has a limit of its own; and the manager does not ask while everything is to end.
void Keeper::watch_for_life() {
  if (worker_->killed || worker_->spills || manager_.knows_of_stop()) return;
  const auto now = clock_.steady();
  const bool asks = watchdog_.poll(now);
  if (worker_->ready) {
    if (asks) (void)send(worker_->socket.get(), "ping");
    if (!watchdog_.overdue()) return;
    kill_for_standing_still(watchdog_.patience(), "the service manager waits for a sign of life");
  } else {
    if (asks) watchdog_.answered();
    if (asks && restarts_.was_ever_ready()) manager_.alive();
    if (!restarts_.was_ever_ready() || !watchdog_.next() || now - worker_->began < kStartMost)
      return;
    kill_for_standing_still(kStartMost, "it has not started yet");
  }
  manager_.alive();
}

bool Keeper::stop_is_watched() const {
  return requests_.stop_is_wanted() && !worker_->meant && !worker_->saving && !worker_->killed &&
         !worker_->spills;
}

bool Keeper::nothing_is_begun() const {
  return !page_ && !restarts_.was_ever_ready() && !requests_.is_answered();
}

// The worker stops by itself, in the time that its configuration gives it, as long as its loop
// makes progress. A plugin that closes may have much to write, and a worker that starts is not that
// far yet.
void Keeper::watch_stop() {
  if (!stop_is_watched()) return;
  if (nothing_is_begun() && clock_.steady() - requests_.stop_wanted_at() >= kNothingToLoseMost)
    return kill_worker();
  if (stop_watch_.poll(clock_.steady())) (void)send(worker_->socket.get(), "ping");
  const auto watches = page_ ? page_->watches() : std::span<state::Watch>();
  const bool handles = std::ranges::any_of(watches, [](auto& watch) {
    return state::load_acquire(watch.on_loop) % 2 && state::load_acquire(watch.call) % 2;
  });
  const auto patience =
      (handles || requests_.stop_at_once_is_wanted() ? 1 : kOtherwise) * options_.stop_patience;
  if (!stop_watch_.overdue() || stop_watch_.silence() < patience) return;
  worker_->stood_still = true;
  kill_for_standing_still(patience, "the hub is to stop");
}

// The hub has a configuration that works, and goes back to it.
void Keeper::watch_trial() {
  if (worker_->killed || worker_->meant || !tries() ||
      clock_.steady() - worker_->began < kTrialMost)
    return;
  kill_for_standing_still(kTrialMost, "it is not ready with the configuration that it tries");
}

// Marks the handler whose call the loop waits for, if this worker made the call, and not an earlier
// one.
void Keeper::kill_for_standing_still(Nanoseconds patience, const std::string& because) {
  std::string who = "the worker's loop";
  const auto watches = page_ ? page_->watches() : std::span<state::Watch>();
  if (const auto i = loop_watch_.caller(watches)) {
    const auto call = state::load_acquire(watches[*i].on_loop);
    std::atomic_ref(watches[*i].stuck).store(call, std::memory_order_release);
    who = name_of(watches[*i]);
  }
  reporter_.warning("hang", who + " has stood still for " + duration_text(patience) + ", and " +
                                because + "; the worker is killed");
  kill_worker();
}

}  // namespace standpipe::keeper
