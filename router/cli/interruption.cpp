// SPDX-License-Identifier: Apache-2.0
#include "cli/interruption.h"

#include <poll.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/failure.h"

#ifndef sigev_notify_thread_id  // glibc has the field, but before 2.38 no name for it
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 100ms;

// Interrupts this thread's system calls regularly. flock has no time limit, and a non-blocking
// attempt never succeeds beside a writer that takes the lock again the moment it releases it.
class Ticker {
 public:
  Ticker() {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};  // and no SA_RESTART
    ::sigaction(SIGALRM, &nothing, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGALRM;
    event.sigev_notify_thread_id = ::gettid();
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0)
      throw Failure::system("make a timer", errno);
    const timespec tick{0, Nanoseconds(kTick).count()};
    const itimerspec times{tick, tick};
    ::timer_settime(timer_, 0, &times, nullptr);
  }
  ~Ticker() { ::timer_delete(timer_); }  // the handler stays: a last tick may be on its way
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  timer_t timer_{};
};

bool is_over(Deadline deadline) { return deadline && steady_now() >= *deadline; }

}  // namespace

Nanoseconds steady_now() { return SystemClock().steady(); }

int milliseconds_until(Deadline deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                        std::max(*deadline - steady_now(), Nanoseconds(0)))
                        .count();
  return static_cast<int>(std::min<long>(left, std::numeric_limits<int>::max()));
}

int Interruption::times() {
  while (const auto came = signals_.next())
    if (came.signal != SIGUSR1) ++times_;
  return times_;
}

Waited wait_for(int fd, short events, Interruption& interruption, Deadline deadline, int known) {
  for (;;) {
    pollfd fds[] = {{fd, events, 0}, {interruption.fd(), POLLIN, 0}};
    const int n = ::poll(fds, 2, milliseconds_until(deadline));
    if (n < 0 && errno != EINTR) throw Failure::system("wait", errno);
    if (interruption.times() > known) return Waited::interrupted;
    if (n > 0 && fds[0].revents) return Waited::ready;
    if (is_over(deadline)) return Waited::late;
  }
}

Waited lock_exclusively(int fd, Interruption& interruption, Deadline deadline, int known) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return Waited::ready;
  if (errno != EWOULDBLOCK && errno != EINTR) throw Failure::system("lock", errno);
  const Ticker ticker;
  for (;;) {
    if (::flock(fd, LOCK_EX) == 0) return Waited::ready;
    if (errno != EINTR) throw Failure::system("lock", errno);
    if (interruption.times() > known) return Waited::interrupted;
    if (is_over(deadline)) return Waited::late;
  }
}

}  // namespace standpipe::cli
