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
#include "base/text.h"
#include "keeper/notify.h"
#include "keeper/processes.h"

namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

// To save what waits: so long, and a second for each kSpillBytes of the memory's addresses, which are 8 times its messages.
constexpr Nanoseconds kSpillMost = 60s;
constexpr std::uint64_t kSpillBytes = 128 << 20;
constexpr Nanoseconds kOrphansMayEnd = 1s;    // after SIGTERM, then SIGKILL
constexpr Nanoseconds kOrphansMustEnd = 10s;  // one that does not die of SIGKILL hangs in the kernel, or is another user's
constexpr std::size_t kSentencesATurn = 64;   // so that a worker that talks without end does not keep us from the rest
constexpr std::size_t kAllSentences = SIZE_MAX;

}  // namespace

Keeper::Keeper(Options options, const Clock& clock, Reporter& reporter)
    : options_(std::move(options)),
      clock_(clock),
      reporter_(reporter),
      program_(options_.program, mark_.variable()),
      terminal_(options_.ignore_hangup),
      watchdog_(Watchdog::from_environment()),
      stop_watch_(2 * options_.stop_patience) {
  open_standard_streams();
  raise_open_files_limit();
  adopt_orphans();
}

int Keeper::run() {
  for (;;) {
    const auto end = live(options_.worker_arguments, false);
    switch (judge(end)) {
      case Verdict::pass_on:
        return end.meant.value_or(0);
      case Verdict::damaged:
        reporter_.error("damaged-memory",
                        "the memory of the hub does not hold together, so no worker can go on with it: the hub stops");
        notify("STOPPING=1");
        salvage();
        return 1;
      case Verdict::in_vain:
        return give_up("the worker died " + std::to_string(kDeathsInVainMax) + " times without progress: the hub stops",
                       "what it died of is said above; standpipe run serves what was saved", 1);
      case Verdict::save:
        return give_up("stopped without it", {}, 0);
      case Verdict::again:
        break;
    }
    if (!back_off()) return give_up("stopped while no worker ran", {}, 0);
  }
}

Keeper::End Keeper::live(const std::vector<std::string>& arguments, bool spills) {
  try {
    start(arguments, spills);
  } catch (const Failure& f) {
    if (workers_ == 0) throw;
    reporter_.warning("worker", f.what(), f.help());
    return {};
  }
  attend();
  gather();
  const bool served_long = worker_->ready && clock_.steady() - *worker_->ready >= kServedLong;
  const End end{worker_->status, worker_->meant, worker_->damaged, worker_->stopping, served_long, worker_->stood_still};
  worker_.reset();
  return end;
}

void Keeper::start(const std::vector<std::string>& arguments, bool spills) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) throw Failure::system("make a socket", errno);
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  const Legacy legacy(theirs.get(), store_.entries());
  const auto pid = program_.start(arguments, legacy.inherited(), legacy.variable());
  worker_.emplace();
  worker_->pid = pid;
  worker_->socket = std::move(ours);
  worker_->spills = spills;
  worker_->began = clock_.steady();
  for (auto& watch : page_ ? page_->watches() : std::span<Watch>()) worker_->left_over.push_back(read(watch.on_loop));
  ++workers_;
  if (!spills) requests_.begin_worker();
  hang_watch_.restart(page_ ? page_->watches() : std::span<Watch>());
  watchdog_.restart();
  stop_watch_.restart();
}

// Until the worker is dead.
void Keeper::attend() {
  const auto spill_end = clock_.steady() + kSpillMost + std::chrono::seconds(page_ ? page_->bytes() / kSpillBytes : 0);
  for (;;) {
    wait(next_duty(spill_end));
    listen(kSentencesATurn);
    reap();
    if (worker_->status) return;
    if (terminal_.look(clock_.steady())) on_hangup();
    say_what_is_wanted();
    watch_link();
    watch_for_hangs();
    watch_for_life();
    watch_stop();
    if (worker_->spills && clock_.steady() >= spill_end) kill_worker();
  }
}

// What it said last, then whoever it left behind.
void Keeper::gather() {
  listen(kAllSentences);
  end_orphans();
}

Keeper::Verdict Keeper::judge(const End& end) {
  const bool could_not_begin = !ever_ready_ && (workers_ == 1 || !page_);
  if (end.damaged) return Verdict::damaged;
  if (end.meant && (end.stopping || could_not_begin)) return Verdict::pass_on;
  if (end.stood_still) return Verdict::save;
  if (end.status && requests_.stop_is_wanted() && !ever_ready_ && !page_) return Verdict::pass_on;  // nothing was begun
  count_death(end);
  return deaths_in_vain_ < kDeathsInVainMax ? Verdict::again : Verdict::in_vain;
}

void Keeper::count_death(const End& end) {
  const auto progress = page_ ? page_->progress() : progress_;
  deaths_in_vain_ = progress == progress_ && !end.served_long ? deaths_in_vain_ + 1 : 1;
  progress_ = progress;
  if (page_ && end.status) page_->count_death(*end.status);
  const auto what = end.status ? "the worker died (" + status_text(*end.status) + ")" : "there is no worker";
  const auto count = std::to_string(deaths_in_vain_) + " of " + std::to_string(kDeathsInVainMax) + " without progress";
  reporter_.warning("worker-died", what + (deaths_in_vain_ < kDeathsInVainMax ? "; starting a new one (" : " (") + count + ")");
  notify("STATUS=" + what + ", " + count);
}

bool Keeper::back_off() {
  const int doublings = std::min(deaths_in_vain_ - 2, 10);
  if (doublings >= 0) {
    const auto end = clock_.steady() + std::min(options_.back_off * (1 << doublings), options_.back_off * 40);
    while (!stop_in_gap_ && clock_.steady() < end) {
      wait(end);
      reap();
    }
  }
  return !stop_in_gap_;
}

int Keeper::give_up(const std::string& why, const std::string& help, int status) {
  notify("STOPPING=1\nSTATUS=" + why);
  const auto lost = spill();
  const auto saved = page_ && lost.empty() ? "; what waited in memory is saved" : "";
  if (status == 0 && lost.empty()) reporter_.info(why + saved);
  if (status != 0 && lost.empty()) reporter_.error("gave-up", why + saved, help);
  if (!lost.empty()) reporter_.error("gave-up", why + "; " + lost, "what it died of is said above");
  if (!lost.empty()) salvage();
  return lost.empty() ? status : 1;
}

// Returns what went wrong.
std::string Keeper::spill() {
  if (!page_) return {};
  const auto end = live(options_.spill_arguments, true);
  if (end.meant == 0) return {};
  return "what waited in memory could not be saved (" + (end.status ? status_text(*end.status) : "no process could be started") +
         ")";
}

// What it did is said by itself.
void Keeper::salvage() {
  const auto end = live(options_.salvage_arguments, true);
  if (end.meant != 0)
    reporter_.error("gave-up", "nor could the memory be copied (" +
                                   (end.status ? status_text(*end.status) : "no process could be started") +
                                   "): the messages in it are lost");
}

// ---- what may happen meanwhile

void Keeper::wait(std::optional<Nanoseconds> until) {
  const bool hears = worker_ && !worker_->status && !worker_->silent;
  std::array<pollfd, 2> fds{pollfd{signals_.fd(), POLLIN, 0}, pollfd{hears ? worker_->socket.get() : -1, POLLIN, 0}};
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

// A shell and the kernel may both tell of it: it is one request.
void Keeper::on_hangup() {
  if (requests_.stop_is_wanted()) return;
  reporter_.info("the terminal is closed: the hub stops (with --ignore-hangup it goes on)");
  want_stop();
}

void Keeper::want_stop() {
  requests_.want_stop(clock_.steady());
  if (!worker_ || worker_->status) stop_in_gap_ = true;
  if (!std::exchange(notified_stop_, true)) notify("STOPPING=1");
}

// Not while it has not read what was said before: its socket would fill, however long it stands still.
void Keeper::say_what_is_wanted() {
  if (worker_->spills || worker_->silent) return;
  const auto wanted = requests_.due(clock_.steady());
  if (wanted && !holds_unread(worker_->socket.get())) (void)tell(worker_->socket.get(), "want", *wanted);
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
    if (waited > kOrphansMustEnd) return reporter_.warning("orphans", "processes that the worker left behind cannot be ended");
    for (const auto pid : left) {
      if (waited > kOrphansMayEnd) ::kill(pid, SIGKILL);
      if (told.insert(pid).second) ::kill(pid, SIGTERM);
    }
    wait(clock_.steady() + 10ms);
  }
}

// ---- what the worker says

void Keeper::listen(std::size_t most) {
  Sentence sentence;
  auto heard = Heard::sentence;
  while (most-- && (heard = hear(worker_->socket.get(), sentence)) == Heard::sentence) on_sentence(sentence);
  worker_->silent = heard == Heard::end;
}

void Keeper::on_sentence(Sentence& sentence) {
  if (sentence.verb == "keep") return keep(sentence);
  if (sentence.verb == "ready") return on_ready(sentence.rest);
  if (sentence.verb == "stopping") {
    worker_->stopping = true;
    if (!std::exchange(notified_stop_, true)) notify("STOPPING=1");
    return;
  }
  if (sentence.verb == "have") requests_.answered(sentence.rest);
  if (sentence.verb == "damaged") worker_->damaged = true;
  if (sentence.verb == "end") on_end(sentence.rest);
  if (sentence.verb == "saving") worker_->saving = true;
  if (sentence.verb == "forget") {
    store_.forget(sentence.rest);
    if (sentence.rest == kMemoryName) page_.reset();
  }
  if (sentence.verb == "pong") {
    watchdog_.answered();
    stop_watch_.answered();
    notify(kAlive);
  }
}

void Keeper::on_end(const std::string& status) {
  const auto number = parse_integer(status);
  if (!number || *number < 0 || *number > 255) return;
  worker_->meant = static_cast<int>(*number);
  worker_->meant_at = clock_.steady();
}

void Keeper::keep(Sentence& sentence) {
  std::string refusal;
  if (!sentence.fd) refusal = "no descriptor is free: raise the limit of open files (ulimit -n)";
  try {
    if (sentence.fd && sentence.rest == kMemoryName) page_ = SharedPage(sentence.fd.get());
  } catch (const Failure& f) {
    refusal = f.what();
  }
  if (refusal.empty() && !store_.keep(sentence.rest, std::move(sentence.fd)))
    refusal = "it keeps " + thousands(Store::kNamesMax) + " already";
  const bool kept = refusal.empty();
  // Of a worker that reads no answers nothing good can be expected; nor does it wait for this one.
  if (tell(worker_->socket.get(), kept ? "kept" : "refused", refusal) == EAGAIN) kill_worker();
}

void Keeper::on_ready(const std::string& status) {
  if (worker_->spills) return;
  worker_->ready = clock_.steady();
  hang_watch_.look_at_once();
  if (!std::exchange(ever_ready_, true)) notify("READY=1");
  notify("STATUS=" + (status.empty() ? "ready" : status));
}

void Keeper::notify(const std::string& state) {
  const auto problem = notify_service_manager(state);
  if (!problem.empty() && !std::exchange(notify_failed_, true)) reporter_.warning("notify", problem);
}

}  // namespace standpipe::keeper
