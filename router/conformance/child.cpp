// SPDX-License-Identifier: Apache-2.0
#include "conformance/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <thread>

#include "base/failure.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/signals.h"
#include "base/text.h"

namespace standpipe::conformance {
namespace {

using namespace std::chrono_literals;

// A sanitizer maps more than any limit allows.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

constexpr std::size_t kOutputShown = 400;
constexpr rlim_t kMemoryMost = 4 * GiB;  // a plugin that takes all there is must not take ours

// Shared with the child, so that what it found is known however it ends.
struct Page {
  pid_t owner = 0;
  Verdict::Kind kind = Verdict::Kind::passed;
  bool is_done = false;
  bool is_meant = true;
  int signal = 0;
  char call[32] = {};
  char text[2048] = {};
  char place[256] = {};
};

template <std::size_t Size>
void write_text(char (&to)[Size], std::string_view text) {
  to[text.copy(to, Size - 1)] = '\0';
}

// In the child alone.
Page* the_page = nullptr;
std::function<std::string(const void*)>* the_explanation = nullptr;

// The name of the place is made with memory from the heap, which a fault in the heap may hold: the
// signal is stored first, and a child that does not come back from here is ended.
void on_fault(int signal, siginfo_t* info, void*) {
  ::signal(signal, SIG_DFL);
  if (the_page && the_page->owner == ::getpid()) {
    the_page->signal = signal;
    if ((signal == SIGSEGV || signal == SIGBUS) && the_explanation)
      write_text(the_page->place, (*the_explanation)(info->si_addr));
  }
  ::raise(signal);
}

void watch_faults() {
  static std::array<char, 64 * KiB> stack;
  const stack_t alternative{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  (void)::sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int fault : kFaults) (void)::sigaction(fault, &action, nullptr);
}

void limit_child() {
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  const rlimit memory{kMemoryMost, kMemoryMost};
  if (!kIsSanitized) (void)::setrlimit(RLIMIT_DATA, &memory);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that it sees what a plugin leaves behind
}

void set_streams(int output) {
  if (const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC); nothing >= 0)
    (void)::dup2(nothing, STDIN_FILENO);
  (void)::dup2(output, STDOUT_FILENO);
  (void)::dup2(output, STDERR_FILENO);
}

void judge(const std::function<void()>& check, Page& page) {
  const auto say = [&](Verdict::Kind kind, std::string_view text) {
    if (page.owner != ::getpid()) return;
    page.kind = kind;
    write_text(page.text, text);
  };
  try {
    check();
  } catch (const Problem& problem) {
    say(Verdict::Kind::failed, problem.text);
  } catch (const NotJudged& reason) {
    say(Verdict::Kind::not_run, reason.text);
  } catch (const NotMeant& reason) {
    if (page.owner == ::getpid()) page.is_meant = false;
    say(Verdict::Kind::not_run, reason.text);
  } catch (const Failure& failure) {
    say(Verdict::Kind::failed, failure.what());
  } catch (const std::exception& e) {
    say(Verdict::Kind::failed, e.what());
  }
  if (page.owner == ::getpid()) page.is_done = true;
}

[[noreturn]] void live_as_child(const std::function<void()>& check, const std::string& folder,
                                int output, Page& page) {
  (void)::setpgid(0, 0);
  page.owner = ::getpid();
  the_page = &page;
  limit_child();
  set_streams(output);
  if (::chdir(folder.c_str()) != 0) ::_exit(1);
  watch_faults();
  judge(check, page);
  ::_exit(0);
}

// It stays a zombie, so that its number is still its own. false: its time was over.
bool has_ended(pid_t child, Nanoseconds most) {
  const SystemClock clock;
  const auto end = clock.steady() + most;
  for (auto pause = 100us;; pause = std::min(pause + pause / 2, 10'000us)) {
    siginfo_t info{};
    const auto id = static_cast<id_t>(child);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child)
      return true;
    if (clock.steady() >= end) return false;
    std::this_thread::sleep_for(pause);
  }
}

// The child and its group: whatever the plugin started there.
int end_group(pid_t child) {
  (void)::kill(-child, SIGKILL);
  (void)::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return std::string("SIG") + (name ? name : std::to_string(signal));
}

std::string death_text(const Page& page, int status) {
  const auto in = page.call[0] ? " in " + std::string(page.call) : " before it was called";
  const int signal = page.signal ? page.signal : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (!signal)
    return "it ended the process (exit " + std::to_string(WEXITSTATUS(status)) + ')' + in;
  const auto text = "it crashed (" + signal_name(signal) + ')' + in;
  return page.place[0] ? text + ": it touched " + page.place : text;
}

std::string last_output(int file) {
  const auto size = ::lseek(file, 0, SEEK_END);
  const auto from = std::max<off_t>(0, size - static_cast<off_t>(kOutputShown));
  std::string text(static_cast<std::size_t>(size - from), '\0');
  const auto got = ::pread(file, text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

Verdict verdict_of(const Page& page, bool has_ended, int status, Nanoseconds timeout) {
  using Kind = Verdict::Kind;
  if (page.is_done) return {page.kind, page.text, {}, page.is_meant};
  if (has_ended || page.signal) return {Kind::failed, death_text(page, status), {}};
  const auto call = page.call[0] ? std::string(page.call) : std::string("loading it");
  return {Kind::failed, call + " did not come back within " + duration_text(timeout), {}};
}

class SharedPage {
 public:
  SharedPage() {
    void* memory =
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw Failure("there is no memory for a page shared with a child");
    page_ = new (memory) Page();
  }
  ~SharedPage() { (void)::munmap(page_, sizeof(Page)); }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  Page& operator*() const { return *page_; }

 private:
  Page* page_;
};

}  // namespace

void enter_call(const char* name) {
  if (the_page && the_page->owner == ::getpid()) write_text(the_page->call, name);
}

void explain_faults(std::function<std::string(const void*)> explain) {
  static std::function<std::string(const void*)> kept;
  kept = std::move(explain);
  the_explanation = kept ? &kept : nullptr;
}

Verdict run_in_child(const std::function<void()>& check, const std::string& folder,
                     Nanoseconds timeout) {
  const SharedPage shared;
  auto& page = *shared;
  const Fd output(::memfd_create("output", MFD_CLOEXEC));
  const auto child = output ? ::fork() : -1;
  if (child < 0) return {Verdict::Kind::not_run, "no child process can be had", {}};
  if (child == 0) live_as_child(check, folder, output.get(), page);
  (void)::setpgid(child, child);
  const bool ended = has_ended(child, timeout);
  auto verdict = verdict_of(page, ended, end_group(child), timeout);
  if (verdict.kind == Verdict::Kind::failed) verdict.output = last_output(output.get());
  return verdict;
}

}  // namespace standpipe::conformance
