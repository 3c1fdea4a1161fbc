// SPDX-License-Identifier: Apache-2.0
#include "keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/failure.h"
#include "base/open_files.h"
#include "base/reminder.h"
#include "base/text.h"
#include "keeper/processes.h"

namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

// The time to save what waits: this, and a second for each kSpillBytes of the memory's addresses,
// which are 8 times its messages.
constexpr Nanoseconds kSpillMost = 60s;
constexpr std::uint64_t kSpillBytes = 128 << 20;
constexpr int kStartAgain = 20;  // times the first pause: after a worker that could not be started
constexpr Nanoseconds kOrphansMayEnd = 1s;  // after SIGTERM, then SIGKILL
constexpr Nanoseconds kOrphansMustEnd =
    10s;  // one that does not die of SIGKILL hangs in the kernel, or is another user's
constexpr std::size_t kMessagesPerTurn =
    64;  // so that a worker that talks without end does not keep us from the rest
constexpr std::size_t kAllMessages = SIZE_MAX;

}  // namespace

Keeper::Keeper(Options options, const Clock& clock, Reporter& reporter)
    : options_(std::move(options)),
      clock_(clock),
      reporter_(reporter),
      program_(options_.program, mark_.variable()),
      terminal_(options_.ignore_hangup),
      watchdog_(Watchdog::from_environment()),
      stop_watch_(2 * options_.stop_patience),
      restarts_(options_.back_off),
      manager_(clock, reporter) {
  open_standard_streams();
  raise_open_files_limit();
  adopt_orphans();
}

int Keeper::run() {
  for (;;) {
    const auto end = live(options_.worker_arguments, false);
    if (!end.status && stop_in_gap_) return give_up("stopped while no worker ran", {}, 0);
    switch (judge(end)) {
      case Verdict::pass_on:
        return end.meant.value_or(0);
      case Verdict::damaged:
        reporter_.error("damaged-memory",
                        "the memory of the hub does not hold together, so no worker can continue "
                        "with it: the hub stops");
        manager_.stopping();
        dump_memory();
        return 1;
      case Verdict::without_progress:
        return give_up(
            "the worker died " + std::to_string(RestartPolicy::kDeathsWithoutProgressMax) +
                " times without progress: the hub stops",
            "the messages above say why it died; the next standpipe run delivers what was saved",
            1);
      case Verdict::save:
        return give_up("stopped without it", {}, 0);
      case Verdict::next:
        continue;
      case Verdict::again:
        break;
    }
    if (!back_off()) return give_up("stopped while no worker ran", {}, 0);
  }
}

WorkerEnd Keeper::live(const std::vector<std::string>& arguments, bool spills) {
  if (!start_at_last(arguments, spills)) return {};
  attend();
  gather();
  WorkerEnd end{.status = worker_->status,
                .meant = worker_->meant,
                .damaged = worker_->damaged,
                .stopping = worker_->stopping,
                .stood_still = worker_->stood_still,
                .retires = worker_->retires,
                .tried = tries()};
  if (worker_->ready) end.served = clock_.steady() - *worker_->ready;
  worker_.reset();
  return end;
}

// What a worker needs (a process, descriptors) may be missing for a while, and what waits in memory
// is lost with the keeper: so it tries again, until a stop is asked for, and for kSpillMost if what
// waits is to be saved. No worker has died of it. The service manager's watchdog is told that the
// keeper lives: it would end it, and everything with it.
bool Keeper::start_at_last(const std::vector<std::string>& arguments, bool spills) {
  const auto began = clock_.steady();
  for (Reminder reminder;;) {
    try {
      start(arguments, spills);
      return true;
    } catch (const Failure& f) {
      if (!restarts_.has_started()) throw;
      const auto now = clock_.steady();
      if (reminder.is_due(now))
        reporter_.warning("worker",
                          std::string(f.what()) + "; what waits is kept, and it is tried again",
                          f.help());
      manager_.status(f.what());
    }
    if (spills ? clock_.steady() - began >= kSpillMost : stop_in_gap_) return false;
    manager_.alive();
    wait(clock_.steady() + kStartAgain * options_.back_off);
    reap();
  }
}

void Keeper::start(const std::vector<std::string>& arguments, bool spills) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    throw Failure::system("make a socket", errno);
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  const InheritedFds inherited_fds(theirs.get(), store_.entries());
  const auto pid = program_.start(arguments, inherited_fds.inherited(), inherited_fds.variable());
  worker_.emplace();
  worker_->pid = pid;
  worker_->socket = std::move(ours);
  worker_->spills = spills;
  restarts_.count_start();
  begin_worker();
}

// Whether it is a new process, or what the last one became.
void Keeper::begin_worker() {
  worker_->ready.reset();
  worker_->tries = false;
  worker_->began = clock_.steady();
  if (!worker_->spills) requests_.begin_worker();
  hang_watch_.restart(page_ ? page_->watches() : std::span<state::Watch>());
  loop_watch_.restart(page_ ? page_->watches() : std::span<state::Watch>());
  watchdog_.restart();
  stop_watch_.restart();
}

// Until the worker is dead.
void Keeper::attend() {
  const auto spill_end =
      clock_.steady() + kSpillMost + std::chrono::seconds(page_ ? page_->bytes() / kSpillBytes : 0);
  for (;;) {
    wait(next_duty(spill_end));
    listen(kMessagesPerTurn);
    reap();
    if (worker_->status) return;
    if (terminal_.poll(clock_.steady())) on_hangup();
    send_wanted();
    watch_link();
    watch_for_hangs();
    watch_loop();
    watch_for_life();
    watch_stop();
    watch_trial();
    if (worker_->spills && clock_.steady() >= spill_end) kill_worker();
  }
}

// Reads its last messages, then ends and reaps the processes that it left.
void Keeper::gather() {
  listen(kAllMessages);
  end_orphans();
}

Keeper::Verdict Keeper::judge(const WorkerEnd& end) {
  const auto progress = page_ ? std::optional(page_->progress()) : std::nullopt;
  const auto verdict = restarts_.judge(end, progress, requests_.stop_is_wanted());
  if (RestartPolicy::is_death(verdict)) report_death(end, verdict);
  return verdict;
}

void Keeper::report_death(const WorkerEnd& end, Verdict verdict) {
  if (page_ && end.status) page_->count_death(*end.status);
  const auto what =
      end.status ? "the worker died (" + status_text(*end.status) + ")" : "there is no worker";
  const auto count = end.tried ? "with the configuration that was in force before"
                               : std::to_string(restarts_.deaths_without_progress()) + " of " +
                                     std::to_string(RestartPolicy::kDeathsWithoutProgressMax) +
                                     " without progress";
  reporter_.warning(
      "worker-died",
      what + (verdict == Verdict::again ? "; starting a new one (" : " (") + count + ")",
      end.status ? remedy_of_death(*end.status) : std::string());
  manager_.status(what + ", " + count);
}

// Whether another worker is to be started. A stop in a gap that is no pause is the next worker's,
// which delivers what waits.
bool Keeper::back_off() {
  if (restarts_.pause() == 0ns) return true;
  const auto end = clock_.steady() + restarts_.pause();
  while (!stop_in_gap_ && clock_.steady() < end) {
    wait(end);
    reap();
  }
  return !stop_in_gap_;
}

int Keeper::give_up(const std::string& why, const std::string& help, int status) {
  manager_.stopping(why);
  const auto lost = spill();
  const auto saved = page_ && lost.empty() ? "; what waited in memory is saved" : "";
  if (status == 0 && lost.empty()) reporter_.info(why + saved);
  if (status != 0 && lost.empty()) reporter_.error("gave-up", why + saved, help);
  if (!lost.empty())
    reporter_.error("gave-up", why + "; " + lost, "the messages above say why it died");
  if (!lost.empty()) dump_memory();
  return lost.empty() ? status : 1;
}

// Returns what went wrong.
std::string Keeper::spill() {
  if (!page_) return {};
  const auto end = live(options_.spill_arguments, true);
  if (end.meant == 0) return {};
  return "what waited in memory could not be saved (" +
         (end.status ? status_text(*end.status) : "no process could be started") + ")";
}

// The dump reports by itself what it did.
void Keeper::dump_memory() {
  const auto end = live(options_.dump_arguments, true);
  if (end.meant != 0)
    reporter_.error("gave-up",
                    "nor could the memory be copied (" +
                        (end.status ? status_text(*end.status) : "no process could be started") +
                        "): the messages in it are lost");
}

// ---- what may happen meanwhile

void Keeper::wait(std::optional<Nanoseconds> until) {
  const bool listens = worker_ && !worker_->status && !worker_->silent;
  std::array<pollfd, 2> fds{pollfd{signals_.fd(), POLLIN, 0},
                            pollfd{listens ? worker_->socket.get() : -1, POLLIN, 0}};
  const auto rest = until ? std::max(*until - clock_.steady(), Nanoseconds(0)) : Nanoseconds(0);
  const timespec limit{rest / 1s, (rest % 1s).count()};
  (void)::ppoll(fds.data(), fds.size(), until ? &limit : nullptr, nullptr);
  while (const auto came = signals_.next()) on_signal(came);
}

void Keeper::on_signal(Signals::Came came) {
  const auto meaning = terminal_.of(came, clock_.steady());
  if (meaning == Terminal::Meaning::hangup) return on_hangup();
  if (meaning == Terminal::Meaning::nothing) return;
  switch (came.signal) {
    case SIGTERM:
    case SIGINT:
      return want_stop();
    case SIGUSR1:
      return requests_.want_reopen();
    case SIGHUP:
      return requests_.want_reload();
    default:
      return;  // SIGCHLD: reap() looks without being asked
  }
}

// A shell and the kernel may both report it: it is one request.
void Keeper::on_hangup() {
  if (requests_.stop_is_wanted()) return;
  reporter_.info("the terminal is closed: the hub stops (with --ignore-hangup it continues)");
  want_stop();
}

void Keeper::want_stop() {
  requests_.want_stop(clock_.steady());
  if (!worker_ || worker_->status) stop_in_gap_ = true;
  manager_.stopping();
}

// Sends nothing while the worker has not read the last message: its socket would fill, however long
// the worker hangs.
void Keeper::send_wanted() {
  if (worker_->spills || worker_->silent) return;
  const auto wanted = requests_.due(clock_.steady());
  if (wanted && !holds_unread(worker_->socket.get()))
    (void)send(worker_->socket.get(), "want", *wanted);
}

// false: no children are left.
bool Keeper::reap() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0)
    if (worker_ && pid == worker_->pid) worker_->status = status;
  return pid == 0;
}

void Keeper::end_orphans() {
  std::set<pid_t> told;
  const auto began = clock_.steady();
  while (reap()) {
    const auto left = mark_.children();
    if (left.empty()) return;
    const auto waited = clock_.steady() - began;
    if (waited > kOrphansMustEnd)
      return reporter_.warning("orphans", "processes that the worker left behind cannot be ended");
    for (const auto pid : left) {
      if (waited > kOrphansMayEnd) ::kill(pid, SIGKILL);
      if (told.insert(pid).second) ::kill(pid, SIGTERM);
    }
    wait(clock_.steady() + 10ms);
  }
}

// ---- what the worker says

void Keeper::listen(std::size_t most) {
  Message message;
  auto received = Received::message;
  while (most-- && (received = receive(worker_->socket.get(), message)) == Received::message)
    on_message(message);
  worker_->silent = received == Received::end;
}

void Keeper::on_message(Message& message) {
  if (message.verb == "keep") return keep(message);
  if (message.verb == "ready") return on_ready(message.rest);
  if (message.verb == "stopping") {
    worker_->stopping = true;
    manager_.stopping();
    return;
  }
  if (message.verb == "have") requests_.answered(message.rest);
  if (message.verb == "damaged") worker_->damaged = true;
  if (message.verb == "end") on_end(message.rest);
  if (message.verb == "saving") worker_->saving = true;
  if (message.verb == "reloading") manager_.begin_reload();
  if (message.verb == "reloaded") manager_.end_reload();
  if (message.verb == "succeeds") on_succeeds();
  if (message.verb == "retires") {
    worker_->retires = true;
    on_end("0");
  }
  if (message.verb == "forget") {
    store_.forget(message.rest);
    if (message.rest == state::kMemoryName) page_.reset();
  }
  if (message.verb == "pong") {
    watchdog_.answered();
    stop_watch_.answered();
    manager_.alive();
  }
}

void Keeper::on_end(const std::string& status) {
  const auto number = parse_integer(status);
  if (!number || *number < 0 || *number > 255) return;
  worker_->meant = static_cast<int>(*number);
  worker_->meant_at = clock_.steady();
}

void Keeper::keep(Message& message) {
  std::string refusal;
  if (!message.fd) refusal = "no descriptor is free: raise the limit of open files (ulimit -n)";
  try {
    if (message.fd && message.rest == state::kMemoryName) page_ = SharedPage(message.fd.get());
  } catch (const Failure& f) {
    refusal = f.what();
  }
  if (refusal.empty() && !store_.keep(message.rest, std::move(message.fd)))
    refusal = "it keeps " + thousands(Store::kNamesMax) + " already";
  const bool kept = refusal.empty();
  if (kept && message.rest == kTriedConfiguration) worker_->tries = true;
  // A worker that reads no answers is beyond help, and does not wait for this one either.
  if (send(worker_->socket.get(), kept ? "kept" : "refused", refusal) == EAGAIN) kill_worker();
}

void Keeper::on_ready(const std::string& status) {
  if (worker_->spills) return;
  worker_->ready = clock_.steady();
  hang_watch_.poll_at_once();
  restarts_.count_ready();
  manager_.ready(status);
}

// Its process stays, and nothing else of it.
void Keeper::on_succeeds() {
  begin_worker();
  if (send(worker_->socket.get(), "kept") == EAGAIN) kill_worker();
}

// Whoever goes back after it only finds it there.
bool Keeper::tries() const {
  return worker_ && worker_->tries && !worker_->ready && store_.find(kTriedConfiguration) >= 0;
}

}  // namespace standpipe::keeper
