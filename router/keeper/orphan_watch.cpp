// SPDX-License-Identifier: Apache-2.0
#include "keeper/orphan_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/failure.h"
#include "base/signals.h"
#include "base/text.h"
#include "keeper/processes.h"
#include "state/shared_header.h"

namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPollInterval = 250ms;

}  // namespace

OrphanWatch::OrphanWatch(const Link& link, std::vector<std::string> arguments, const Clock& clock,
                         Reporter& reporter)
    : link_(link),
      arguments_(std::move(arguments)),
      clock_(clock),
      reporter_(reporter),
      end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      both_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!add(end_.get(), EPOLLIN) || !add(link_.socket(), 0))  // a hang-up is always reported
    throw Failure::system("watch for the keeper's end", errno,
                          "raise the limit of open files: ulimit -n");
  thread_ = start_without_signals([this] { watch(); });
}

bool OrphanWatch::add(int fd, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(both_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

OrphanWatch::~OrphanWatch() {
  const std::uint64_t one = 1;
  (void)!::write(end_.get(), &one, sizeof one);
  thread_.join();
}

void OrphanWatch::watch() {
  if (!waits_for_keepers_death()) return;
  const auto& pulse = link_.pulse();
  auto rounds = pulse.rounds.load();
  bool obeys = false;
  auto since = clock_.steady(), saves_since = since;
  while (!waits_for_end(kPollInterval)) {
    const auto now = clock_.steady();
    const bool came_round = rounds != pulse.rounds.load();
    rounds = pulse.rounds.load();
    if (came_round || saves()) since = now;
    if (!saves()) saves_since = now;
    if (now - saves_since >= kSavingLong && !std::exchange(obeys, true)) obey_kill();
    if (now - since < kStandStillMost) continue;
    if (pulse.saved) std::_Exit(1);  // nothing is left to do but to end
    return replace();
  }
}

// By epoll, for poll would hold the link open: when a plugin has closed it the keeper has to see
// that (Keeper::watch_link). false: this object is being destroyed.
bool OrphanWatch::waits_for_keepers_death() const {
  epoll_event event{};
  while (::epoll_wait(both_.get(), &event, 1, -1) < 0 && errno == EINTR) {
  }
  return event.data.fd != end_.get();
}

bool OrphanWatch::waits_for_end(Nanoseconds most) const {
  pollfd end{end_.get(), POLLIN, 0};
  return ::poll(&end, 1, static_cast<int>(most / 1ms)) > 0;
}

bool OrphanWatch::saves() const {
  const auto& pulse = link_.pulse();
  return (arguments_.empty() || pulse.saves) && !pulse.saved;
}

// Earlier signals are dropped: SIG_IGN discards what is pending.
void OrphanWatch::obey_kill() {
  reporter_.warning(
      "keeper",
      "the keeper is dead, and what waits in memory has been saved for " +
          duration_text(kSavingLong) + ", and it is not done",
      "see what the disk of data_dir waits for; to end it without, and lose the rest: kill " +
          std::to_string(::getpid()));
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGTERM, SIG_DFL);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
}

void OrphanWatch::replace() {
  reporter_.error("keeper",
                  "the keeper is dead, and a plugin has not come back to the worker for " +
                      duration_text(kStandStillMost) + ": what waits is saved without it");
  for (const auto pid : children()) ::kill(pid, SIGTERM);
  try {
    const auto entries = link_.entries();
    if (std::none_of(entries.begin(), entries.end(),
                     [](const auto& e) { return e.name == state::kMemoryName; }))
      return;  // it came back in the last moment, and has ended its work
    const InheritedFds inherited_fds(link_.socket(), entries);
    const int problem =
        program_.replace(arguments_, inherited_fds.inherited(), inherited_fds.variable());
    reporter_.error("keeper", std::string("it cannot be saved: ") + std::strerror(problem) +
                                  "; the hub waits for the plugin");
  } catch (const Failure& failure) {
    reporter_.error("keeper", std::string("it cannot be saved: ") + failure.what() +
                                  "; the hub waits for the plugin");
  }
}

}  // namespace standpipe::keeper
