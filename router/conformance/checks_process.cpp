// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"
#include "conformance/state.h"

namespace standpipe::conformance {
namespace {

constexpr int kStrangers = 16;                 // descriptors that are not the plugin's
constexpr std::size_t kHeapSlack = 2 * 1024;   // what a half of the cycles may grow by
constexpr std::size_t kMappedSlack = 1 << 20;  // of all that is mapped

void live_once(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  instance.handler().close();
  instance.handler().destroy();
}

// A few lives first, in which it may set up for good what all instances share.
void warm_up(Subject& subject) {
  for (unsigned i = 0; i < std::max(3u, subject.request().cycles / 10); ++i) live_once(subject);
}

void live_often(Subject& subject, unsigned times) {
  for (unsigned i = 0; i < times; ++i) live_once(subject);
}

void check_descriptors(Subject& subject) {
  warm_up(subject);
  const auto before = open_descriptors().size();
  live_often(subject, subject.request().cycles);
  const auto after = open_descriptors().size();
  if (after > before)
    throw Problem{std::to_string(after - before) + " more descriptors are open after " +
                  std::to_string(subject.request().cycles) + " lives of an instance"};
}

void check_threads(Subject& subject) {
  warm_up(subject);
  const auto before = count_threads_when_settled(1);
  live_often(subject, subject.request().cycles);
  const auto after = count_threads_when_settled(before);
  if (after > before)
    throw Problem{std::to_string(after - before) + " more threads run after " +
                  std::to_string(subject.request().cycles) + " lives of an instance"};
}

// What grows in both halves grows with each life; what grows once is a cache.
void check_memory(Subject& subject) {
  warm_up(subject);
  const auto threads = count_threads();
  const auto half = std::max(1u, subject.request().cycles / 2);
  const auto lives = [&] { live_often(subject, half); };
  const std::size_t heap[] = {heap_bytes(), heap_bytes_after(lives), heap_bytes_after(lives)};
  const auto mapped = mapped_bytes();
  live_often(subject, half);
  if (count_threads_when_settled(threads) > threads) throw NotJudged{"it leaks threads"};
  if (heap[1] > heap[0] + kHeapSlack && heap[2] > heap[1] + kHeapSlack)
    throw Problem{"the heap grows by " + std::to_string((heap[2] - heap[1]) / half) +
                  " bytes with each life of an instance"};
  if (mapped_bytes() > mapped + half * kMappedSlack / 8)
    throw Problem{"more memory is mapped after each life of an instance"};
}

void check_own_descriptors(Subject& subject) {
  (void)subject.description();
  std::vector<Fd> strangers;
  for (int i = 0; i < kStrangers; ++i) strangers.emplace_back(::open("/dev/null", O_RDWR));
  const auto before = open_descriptors();
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  instance.handler().close();
  instance.handler().destroy();
  const auto after = open_descriptors();
  for (const auto& [fd, what] : before) {
    const auto found = after.find(fd);
    if (found == after.end()) throw Problem{"descriptor " + std::to_string(fd) + " was closed"};
    if (found->second != what) throw Problem{"descriptor " + std::to_string(fd) + " was replaced"};
  }
}

void check_directory(Subject& subject) {
  const auto before = std::filesystem::current_path();
  live_once(subject);
  if (std::filesystem::current_path() != before)
    throw Problem{"the working directory is another one"};
}

void check_process_state(Subject& subject) {
  (void)subject.description();
  const ProcessState before;
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  if (const auto what = before.changed(); !what.empty()) throw Problem{"it changes " + what};
  instance.handler().close();
  instance.handler().destroy();
  if (const auto what = before.changed(); !what.empty())
    throw Problem{"it leaves changed: " + what};
}

// This process is the reaper of whatever the plugin leaves behind.
void check_children(Subject& subject) {
  live_once(subject);
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) return;
  if (info.si_pid != 0) throw Problem{"it leaves a child process that nobody waited for"};
  throw Problem{"it leaves a child process that goes on"};
}

}  // namespace

std::vector<Check> process_checks() {
  return {
      {"descriptors", "leaks no descriptors", "outcomes", "close in close what open opened",
       check_descriptors},
      {"threads", "leaks no threads", "outcomes", "end and join in close what open started",
       check_threads},
      {"memory", "leaks no memory", "outcomes",
       "free in close and destroy what open and create made; valgrind or -fsanitize=address shows "
       "where",
       check_memory},
      {"own_descriptors", "closes no descriptors but its own", "outcomes",
       "never close a range of descriptors, nor one twice: the number is somebody else's by then",
       check_own_descriptors},
      {"directory", "leaves the working directory alone", "outcomes",
       "use openat, or absolute paths: the directory is the whole hub's", check_directory},
      {"process_state", "leaves signals, umask and locale alone", "outcomes",
       "they are the whole hub's, which learns from its signal handlers whose crash it was",
       check_process_state},
      {"children", "leaves no child processes", "outcomes",
       "wait for what you start before close returns, and never go on in a fork of the hub",
       check_children},
  };
}

}  // namespace standpipe::conformance
