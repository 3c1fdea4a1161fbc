// SPDX-License-Identifier: Apache-2.0
#include "keeper/orphan_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/failure.h"
#include "base/signals.h"
#include "base/text.h"
#include "keeper/processes.h"
#include "keeper/shared_header.h"

namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kLook = 250ms;

}  // namespace

OrphanWatch::OrphanWatch(const Link& link, std::vector<std::string> arguments, const Clock& clock, Reporter& reporter)
    : link_(link),
      arguments_(std::move(arguments)),
      clock_(clock),
      reporter_(reporter),
      end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!end_) throw Failure::system("make an eventfd", errno, "raise the limit of open files: ulimit -n");
  thread_ = start_without_signals([this] { watch(); });
}

OrphanWatch::~OrphanWatch() {
  const std::uint64_t one = 1;
  (void)!::write(end_.get(), &one, sizeof one);
  thread_.join();
}

void OrphanWatch::watch() {
  pollfd fds[] = {{end_.get(), POLLIN, 0}, {link_.socket(), 0, 0}};  // a hang-up is told without being asked for
  while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  if (fds[0].revents) return;
  const auto& pulse = link_.pulse();
  auto rounds = pulse.rounds.load();
  for (auto since = clock_.steady(); !waits_for_end(kLook);) {
    const bool came_round = rounds != pulse.rounds.load();
    rounds = pulse.rounds.load();
    if (came_round || (pulse.saves && !pulse.saved)) since = clock_.steady();
    if (clock_.steady() - since < kStandStillMost) continue;
    if (pulse.saved) std::_Exit(1);  // nothing is left to do but to end
    return replace();
  }
}

bool OrphanWatch::waits_for_end(Nanoseconds most) const {
  pollfd end{end_.get(), POLLIN, 0};
  return ::poll(&end, 1, static_cast<int>(most / 1ms)) > 0;
}

void OrphanWatch::replace() {
  reporter_.error("keeper", "the keeper is dead, and a plugin has not come back to the worker for " +
                                duration_text(kStandStillMost) + ": what waits is saved without it");
  for (const auto pid : children()) ::kill(pid, SIGTERM);
  try {
    const auto entries = link_.entries();
    if (std::none_of(entries.begin(), entries.end(), [](const auto& e) { return e.name == kMemoryName; }))
      return;  // it came back in the last moment, and has ended its work
    const Legacy legacy(link_.socket(), entries);
    const int problem = program_.replace(arguments_, legacy.inherited(), legacy.variable());
    reporter_.error("keeper", std::string("it cannot be saved: ") + std::strerror(problem) + "; the plugin is waited for");
  } catch (const Failure& failure) {
    reporter_.error("keeper", std::string("it cannot be saved: ") + failure.what() + "; the plugin is waited for");
  }
}

}  // namespace standpipe::keeper
