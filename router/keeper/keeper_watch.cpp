// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "keeper/keeper.h"
#include "keeper/processes.h"

// When a keeper looks at its worker, and for what it kills it.
namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kStartMost = 60s;         // until a worker is ready, where a service manager waits
constexpr int kOtherwise = 12;                  // times as patient with a plugin that is in another call than handle
constexpr Nanoseconds kNothingToLoseMost = 1s;  // for a first worker to hear of a stop before it has any memory
constexpr Nanoseconds kLinklessMost = 2s;       // between a worker's last word and its end, where /proc tells nothing

// A worker gone wild may have written anything there.
std::string name_of(const Watch& watch) { return "handler " + escaped({watch.name, ::strnlen(watch.name, sizeof watch.name)}); }

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
  or_sooner(terminal_.next());
  if (!notified_stop_) or_sooner(watchdog_.next());
  if (stop_is_watched()) or_sooner(stop_watch_.next());
  if (stop_is_watched() && nothing_is_begun()) or_sooner(requests_.stop_wanted_at() + kNothingToLoseMost);
  if (page_ && !page_->watches().empty()) or_sooner(hang_watch_.next_look());
  return next;
}

void Keeper::kill_worker() {
  if (!std::exchange(worker_->killed, true)) ::kill(worker_->pid, SIGKILL);
}

// A worker that goes on without its link would be a hub that looks alive, and that nobody can stop, or follow. One that ends closes
// it too, a moment before it can be waited for. To kill it then changes nothing.
void Keeper::watch_link() {
  if (worker_->killed) return;
  const auto now = clock_.steady();
  if (worker_->meant && now - worker_->meant_at >= options_.stop_patience) return kill_worker();  // some destructor hangs
  if (!worker_->silent || worker_->meant) return;
  if (!worker_->silent_since) worker_->silent_since = now;
  if (is_ending(worker_->pid) && now - *worker_->silent_since < kLinklessMost) return;
  reporter_.warning("link",
                    "the worker has closed its link to the keeper, and lives: a plugin closed a descriptor that is not its own; "
                    "the worker is killed");
  kill_worker();
}

void Keeper::watch_for_hangs() {
  if (!page_ || worker_->killed || worker_->spills || clock_.steady() < hang_watch_.next_look()) return;
  for (const auto& hung : hang_watch_.look(page_->watches(), clock_.steady())) {
    auto& watch = page_->watches()[hung.handler];
    if (read(watch.call) != hung.call) continue;  // back in the last moment
    std::atomic_ref(watch.hung).store(hung.call, std::memory_order_release);
    reporter_.warning(
        "hang", name_of(watch) + " did not come back from a call within " + duration_text(hung.timeout) + "; the worker is killed");
    kill_worker();
  }
}

// A service manager that hears nothing ends all, memory included. So the keeper comes first: the worker is killed, and that is the
// sign of life. One that is starting answers nothing, and has a limit of its own; nor does the manager ask when all is to end.
void Keeper::watch_for_life() {
  if (worker_->killed || worker_->spills || notified_stop_) return;
  const auto now = clock_.steady();
  const bool asks = watchdog_.look(now);
  if (worker_->ready) {
    if (asks) (void)tell(worker_->socket.get(), "ping");
    if (!watchdog_.overdue()) return;
    kill_for_standing_still(watchdog_.patience(), "the service manager waits for a sign of life");
  } else {
    if (asks) watchdog_.answered();
    if (asks && ever_ready_) notify(kAlive);
    if (!ever_ready_ || !watchdog_.next() || now - worker_->began < kStartMost) return;
    kill_for_standing_still(kStartMost, "it has not started yet");
  }
  notify(kAlive);
}

bool Keeper::stop_is_watched() const {
  return requests_.stop_is_wanted() && !worker_->meant && !worker_->saving && !worker_->killed && !worker_->spills;
}

bool Keeper::nothing_is_begun() const { return !page_ && !ever_ready_ && !requests_.is_answered(); }

// It stops by itself, in the time that its configuration gives it, as long as its loop comes round. A plugin that closes may have
// much to write, and one that starts has not come so far.
void Keeper::watch_stop() {
  if (!stop_is_watched()) return;
  if (nothing_is_begun() && clock_.steady() - requests_.stop_wanted_at() >= kNothingToLoseMost) return kill_worker();
  if (stop_watch_.look(clock_.steady())) (void)tell(worker_->socket.get(), "ping");
  const auto watches = page_ ? page_->watches() : std::span<Watch>();
  const bool handles = std::ranges::any_of(watches, [](auto& watch) { return read(watch.on_loop) % 2 && read(watch.call) % 2; });
  const auto patience = (handles || requests_.stop_at_once_is_wanted() ? 1 : kOtherwise) * options_.stop_patience;
  if (!stop_watch_.overdue() || stop_watch_.silence() < patience) return;
  worker_->stood_still = true;
  kill_for_standing_still(patience, "the hub is to stop");
}

// Whose call the loop waits for is marked, if the worker made it, and not one before it.
void Keeper::kill_for_standing_still(Nanoseconds patience, const std::string& because) {
  std::string who = "the worker's loop";
  const auto watches = page_ ? page_->watches() : std::span<Watch>();
  for (std::size_t i = 0; i < watches.size(); ++i) {
    const auto call = read(watches[i].on_loop);
    if (call % 2 == 0 || (i < worker_->left_over.size() && worker_->left_over[i] == call)) continue;
    std::atomic_ref(watches[i].stuck).store(call, std::memory_order_release);
    who = name_of(watches[i]);
  }
  reporter_.warning("hang",
                    who + " has stood still for " + duration_text(patience) + ", and " + because + "; the worker is killed");
  kill_worker();
}

}  // namespace standpipe::keeper
