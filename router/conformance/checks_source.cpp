// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "conformance/bounds.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/state.h"

namespace standpipe::conformance {
// The checks of handlers have the same names where they ask for the same.
namespace of_source {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr auto kWait = 50ms;        // what a poll has to wait for messages
constexpr auto kGrace = 500ms;      // how late a call may be, on a busy machine
constexpr auto kWakeMost = 1000ms;  // from the wake-up to the return
constexpr auto kQuickMost = 100ms;  // of a call for which others wait
constexpr int kPolls = 4;
constexpr std::size_t kRefusedMost = 1;       // after that one, a poll knows that there is no room
constexpr std::uint64_t kFewBytes = 4096;     // of a credit
constexpr std::size_t kHeapSlack = 2 * 1024;  // what a half of the lives may grow by
constexpr int kStrangers = 16;                // descriptors that are not the plugin's

// An instance of the plugin's source, with a host of its own.
class Bringer {
 public:
  explicit Bringer(Subject& subject) : Bringer(subject, subject.options()) {}
  Bringer(Subject& subject, const testing::Options& options) {
    host.before_call = enter_call;
    source = std::make_unique<testing::Source>(subject.abi(), host, options, "checked");
  }
  Bringer& opened() {
    if (!source->created.ok()) throw Problem{"create failed: " + source->created.reason};
    const auto answer = source->open();
    if (!answer.ok())
      throw Problem{std::string(answer.disconnected() ? "it is disconnected: " : "open failed: ") +
                    (answer.reason.empty() ? "it gave no reason" : answer.reason)};
    return *this;
  }
  testing::Polled poll(testing::Credit credit = {.wait = kWait}) { return source->poll(credit); }
  void end() {
    source->close();
    source->destroy();
  }

  testing::Host host;
  std::unique_ptr<testing::Source> source;
};

Nanoseconds now() { return SystemClock().steady(); }

std::string shown(Nanoseconds duration) {
  return duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
}

void live_once(Subject& subject) {
  Bringer it(subject);
  (void)it.opened().poll({.wait = 0ms});
  it.end();
}

void check_create(Subject& subject) {
  if (!subject.description().is_source()) throw NotMeant{"it offers no source"};
  const Bringer it(subject);
  if (!it.source->created.ok()) throw Problem{"create failed: " + it.source->created.reason};
}

void check_quiet(Subject& subject) {
  (void)subject.description();
  const BeforeCreate before;
  const Bringer it(subject);
  if (const auto fault = before.fault(); !fault.empty()) throw Problem{fault};
}

void check_options(Subject& subject) {
  for_each_bound(subject, [&](const std::string& what, const testing::Options& options) {
    const Bringer it(subject, options);
    const auto& answer = it.source->created;
    const auto with = " to " + escaped(what.substr(0, 80));
    if (!answer.ok() && !answer.fatal())
      throw Problem{"create answered " + std::to_string(answer.answer) + with +
                    "; it may answer OK or FATAL"};
    if (!answer.ok() && answer.reason.empty())
      throw Problem{"create answered FATAL" + with + " without a reason"};
  });
}

void check_opens(Subject& subject) {
  auto* it = new Bringer(subject);  // for ever: to close it is the next check
  it->opened();
}

void check_closes(Subject& subject) { Bringer(subject).opened().end(); }

void check_polls(Subject& subject) {
  Bringer it(subject);
  it.opened();
  try {
    (void)it.poll();
  } catch (const testing::BrokenContract&) {  // it came back; how is the next check's business
  }
}

void need_status(const std::string& call, const testing::Status& answer) {
  if (answer.answer > STANDPIPE_FATAL)
    throw Problem{call + " answered " + std::to_string(answer.answer) + ", which no host knows"};
  if (!answer.ok() && answer.reason.empty())
    throw Problem{call + " answered " + std::to_string(answer.answer) + " without a reason"};
}

void check_exceptions(Subject& subject) {
  Bringer it(subject);
  it.opened();
  try {
    (void)it.poll();
    it.source->committed(1);
    it.end();
  } catch (const testing::BrokenContract& broken) {
    throw Problem{broken.what()};
  }
}

void check_status(Subject& subject) {
  Bringer it(subject);
  it.opened();
  for (int i = 0; i < kPolls; ++i) need_status("poll", it.poll());
}

void check_puts(Subject& subject) {
  Bringer it(subject);
  it.opened();
  for (int i = 0; i < kPolls; ++i) {
    for (const auto& put : it.poll().messages) it.source->committed(put.sequence);
  }
  it.end();
  if (it.host.outside > 0)
    throw Problem{
        "it puts messages, or says where to go on, outside of poll, or in another thread "
        "than poll's"};
}

// The kit's host refuses what is beyond the credit's messages, and counts that.
void check_credit(Subject& subject) {
  Bringer it(subject);
  it.opened();
  for (int i = 0; i < kPolls; ++i) {
    (void)it.poll({.messages = 1, .wait = kWait});
    if (it.host.refused > kRefusedMost)
      throw Problem{"poll put " + std::to_string(it.host.refused) +
                    " messages more than the one that it had credit for"};
  }
  const auto polled = it.poll({.messages = 100'000, .bytes = kFewBytes, .wait = kWait});
  std::uint64_t bytes = 0;
  for (const auto& put : polled.messages) bytes += put.payload.size();
  if (polled.messages.size() < 2) return;
  bytes -= polled.messages.back().payload.size();
  if (bytes > 2 * kFewBytes)
    throw Problem{"poll put " + std::to_string(bytes) +
                  " bytes and one more message, for a credit of " + std::to_string(kFewBytes) +
                  " bytes"};
}

void check_deadline(Subject& subject) {
  Bringer it(subject);
  it.opened();
  for (int i = 0; i < kPolls; ++i) {
    const auto begin = now();
    (void)it.poll();
    if (const auto late = now() - begin - kWait; late > kGrace)
      throw Problem{"poll came back " + shown(late) + " after its deadline"};
  }
}

long waits() {
  rusage usage{};
  (void)::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// Whoever waits gives the processor back of its own accord; whoever only computes does not.
void check_blocks(Subject& subject) {
  if (subject.description().abi->source->placement != STANDPIPE_INLINE) return;
  Bringer it(subject);
  it.opened();
  for (int i = 0; i < kPolls; ++i) {
    const auto begin = now();
    const auto waits_before = waits();
    (void)it.poll({.wait = 4 * kQuickMost});
    if (const auto took = now() - begin; took > kQuickMost && waits() > waits_before)
      throw Problem{"poll waited for " + shown(took) + ", and it says that it never blocks"};
  }
}

// Polls until one of them was woken: before, it may have had messages to bring.
Nanoseconds returned_after(Bringer& it, int wake, Nanoseconds woken) {
  while (now() < woken) {
    (void)it.poll({.wait = 5s, .wake_fd = wake});
    std::this_thread::sleep_for(1ms);
  }
  return now() - woken;
}

void check_wake(Subject& subject) {
  Bringer it(subject);
  it.opened();
  const Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) throw NotJudged{"no eventfd can be had"};
  const auto woken = now() + 2 * kQuickMost;
  std::thread waker([&] {
    std::this_thread::sleep_for(woken - now());
    (void)::eventfd_write(wake.get(), 1);
  });
  const auto late = returned_after(it, wake.get(), woken);
  waker.join();
  if (late > kWakeMost) throw Problem{"poll came back " + shown(late) + " after it was woken"};
  pollfd readable{wake.get(), POLLIN, 0};
  if (::poll(&readable, 1, 0) != 1 || (readable.revents & POLLIN) == 0)
    throw Problem{"poll read or closed the wake-up descriptor, which is the host's"};
}

void check_resume(Subject& subject) {
  std::string all;
  while (all.size() < STANDPIPE_RESUME_BYTES_MAX) all += static_cast<char>(all.size());
  for (const auto& place : {""s, "\0"s, "1\0002"s, "no such place"s, "-1"s,
                            "99999999999999999999999999"s, "\xff\xfe"s, "{\"a\":"s, all}) {
    Bringer it(subject);
    if (!it.source->created.ok()) throw Problem{"create failed: " + it.source->created.reason};
    const auto answer = it.source->open(place);
    need_status("open at " + escaped(place.substr(0, 20)), answer);
    if (answer.ok()) need_status("poll", it.poll({.wait = 0ms}));
  }
}

void check_committed(Subject& subject) {
  Bringer it(subject);
  it.opened();
  std::uint64_t last = 0;
  for (int i = 0; i < kPolls; ++i) {
    const auto polled = it.poll();
    for (const auto& put : polled.messages) last = std::max(last, put.sequence);
    if (last == 0) continue;
    const auto begin = now();
    const auto waits_before = waits();
    it.source->committed(last);
    if (const auto took = now() - begin; took > kQuickMost && waits() > waits_before)
      throw Problem{"committed waited for " + shown(took)};
  }
}

void check_reopens(Subject& subject) {
  Bringer it(subject);
  for (int round = 0; round < 3; ++round) {
    it.opened();
    need_status("poll", it.poll());
    it.source->close();
  }
}

std::string grown(std::size_t before, std::size_t after, const char* what, unsigned lives) {
  return std::to_string(after - before) + " more " + what + " after " + std::to_string(lives) +
         " lives of an instance";
}

// What grows in both halves grows with each life; what grows once is a cache.
void check_leaks(Subject& subject) {
  const auto lives = std::max(4u, subject.request().cycles);
  for (unsigned i = 0; i < std::max(3u, lives / 10); ++i) live_once(subject);
  const auto descriptors = open_descriptors().size();
  const auto threads = count_threads_when_settled(1);
  const auto half = [&] {
    for (unsigned i = 0; i < lives / 2; ++i) live_once(subject);
  };
  const std::size_t heap[] = {heap_bytes(), heap_bytes_after(half), heap_bytes_after(half)};
  if (const auto open = open_descriptors().size(); open > descriptors)
    throw Problem{grown(descriptors, open, "descriptors are open", lives)};
  if (const auto run = count_threads_when_settled(threads); run > threads)
    throw Problem{grown(threads, run, "threads run", lives)};
  if (heap[1] > heap[0] + kHeapSlack && heap[2] > heap[1] + kHeapSlack)
    throw Problem{"the heap grows by " + std::to_string((heap[2] - heap[1]) / (lives / 2)) +
                  " bytes with each life of an instance"};
}

void need_same_descriptors(const Descriptors& before) {
  const auto after = open_descriptors();
  for (const auto& [fd, what] : before) {
    const auto found = after.find(fd);
    if (found == after.end()) throw Problem{"descriptor " + std::to_string(fd) + " was closed"};
    if (found->second != what) throw Problem{"descriptor " + std::to_string(fd) + " was replaced"};
  }
}

// This process is the reaper of whatever the plugin leaves behind.
void check_process(Subject& subject) {
  (void)subject.description();
  std::vector<Fd> strangers;
  for (int i = 0; i < kStrangers; ++i) strangers.emplace_back(::open("/dev/null", O_RDWR));
  const auto descriptors = open_descriptors();
  const auto folder = std::filesystem::current_path();
  const ProcessState before;
  live_once(subject);
  if (const auto what = before.changed(); !what.empty()) throw Problem{"it changes " + what};
  if (std::filesystem::current_path() != folder)
    throw Problem{"the working directory is another one"};
  need_same_descriptors(descriptors);
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
    throw Problem{"it leaves a child process"};
}

std::vector<Check> rows() {
  return {
      {"source_create", "makes an instance of the source", "description",
       "if it needs options that nobody can guess, give them: --option NAME=VALUE", check_create},
      {"source_quiet", "touches nothing outside when the source is made", "source_create",
       "`standpipe check` and each start make an instance only to throw it away: connect in open",
       check_quiet},
      {"source_options", "comes back from each limit and choice, and says why it refuses one",
       "source_create",
       "return FATAL with a reason, or throw from the constructor, for what it cannot take",
       check_options},
      {"source_opens", "opens without a place to go on at", "source_create",
       "give it options with which it can open here: --option NAME=VALUE", check_opens},
      {"source_closes", "comes back from close and destroy", "source_opens",
       "wait for nothing without a limit", check_closes},
      {"source_polls", "comes back from poll, and touches nothing beyond its credit",
       "source_closes", "wait by Poll::wait, which keeps the deadline; the credit ends at its size",
       check_polls},
      {"source_throws", "lets no exception out of any call", "source_polls",
       "catch all in each function that the host calls, as standpipe/plugin.hpp does",
       check_exceptions},
      {"source_status", "answers with OK, or with DISCONNECTED or FATAL and a reason",
       "source_throws", "return one of the three, and fill in the reason", check_status},
      {"source_credit", "brings no more than it has credit for", "source_status",
       "put while has_credit(), and return when put does not answer OK", check_credit},
      {"source_deadline", "comes back from poll by the deadline", "source_status",
       "wait by Poll::wait, or until credit->deadline at most", check_deadline},
      {"source_blocks", "never waits in poll, if it says so", "source_status",
       "leave out never_blocks() (STANDPIPE_INLINE): then it gets a thread", check_blocks},
      {"source_wake", "comes back from poll within a second when it is woken", "source_deadline",
       "wait for wake_fd together with your own descriptors, and leave it as it is", check_wake},
      {"source_resume", "opens at any place, or says why it cannot", "source_status",
       "the text has a size and no end; what is no place of yours is FATAL with a reason",
       check_resume},
      {"source_committed", "bears to be told what is safe, and does not wait then", "source_status",
       "note the sequence, and acknowledge from a thread or in the next poll", check_committed},
      {"source_puts", "puts nothing outside of poll, or in a thread of its own", "source_committed",
       "hand it to poll, and end its wait by a descriptor that Poll::wait gets", check_puts},
      {"source_reopens", "can be closed and opened again where it was", "source_resume",
       "set up in open all that close takes down", check_reopens},
      {"source_leaks", "leaks no descriptors, threads or memory", "source_status",
       "close, join and free in close and destroy what open and create made", check_leaks},
      {"source_process", "leaves the process as it was", "source_status",
       "signals, umask, locale, working directory, children and others' descriptors are the whole "
       "hub's",
       check_process},
  };
}

}  // namespace
}  // namespace of_source

std::vector<Check> source_checks() { return of_source::rows(); }

}  // namespace standpipe::conformance
