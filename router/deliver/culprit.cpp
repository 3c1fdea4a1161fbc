// SPDX-License-Identifier: Apache-2.0
#include "deliver/culprit.h"

#include <sys/mman.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/signals.h"

namespace standpipe::deliver {
namespace {

std::atomic<std::uint64_t*> word_of_process{nullptr};
std::atomic<CrashNote*> note_of_process{nullptr};
std::atomic<pid_t> worker_pid{0};
thread_local std::uint64_t this_thread = Death::kNobody;

// A child that a plugin forked has these handlers too, but not the memory that they write to.
bool is_worker() { return ::getpid() == worker_pid.load(); }

void mark_culprit() {
  if (auto* word = word_of_process.load()) std::atomic_ref(*word).store(this_thread);
}

// The instruction that a signal came at, where this is known.
const void* code_of([[maybe_unused]] void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(
      static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

// Marks the culprit, and then behaves as if there were no handler: SA_RESETHAND has restored the
// default, and the instruction is executed again.
void on_crash(int signal, siginfo_t* info, void* context) {
  if (is_worker()) {
    mark_culprit();
    if (auto* note = note_of_process.load())
      write_crash_note(*note, signal, info->si_addr, code_of(context));
  }
  ::raise(signal);
}

// A plugin that ends the process does so from its call. (The hub itself ends by returning from
// main, when no call is in progress.)
void on_exit() {
  if (this_thread < Death::kFirstHandler || !is_worker()) return;
  mark_culprit();
  if (auto* note = note_of_process.load()) write_crash_note(*note, 0, nullptr, nullptr);
}

// A separate stack for a thread's crash handler: after an overflow the thread's own stack cannot be
// used.
class AlternateStack {
 public:
  AlternateStack() {
    stack_t before{};
    if (::sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0)
      return;  // a sanitizer's
    at_ = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at_ == MAP_FAILED) return;
    const stack_t ours{at_, 0, kBytes};
    (void)::sigaltstack(&ours, nullptr);
  }
  ~AlternateStack() {
    if (at_ == MAP_FAILED) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    (void)::sigaltstack(&none, nullptr);
    ::munmap(at_, kBytes);
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static constexpr std::size_t kBytes = 64 * 1024;
  void* at_ = MAP_FAILED;
};

void need_alternate_stack() {
  thread_local const AlternateStack stack;
  (void)stack;
}

bool is_crash(int signal) {
  return std::find(std::begin(kFaults), std::end(kFaults), signal) != std::end(kFaults);
}

std::string signal_text(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return std::string("SIG") + (name ? name : std::to_string(signal));
}

}  // namespace

void CulpritMark::install(std::uint64_t& word, CrashNote& note) {
  word = Death::kNobody;
  note.signal = note.length = 0;
  prepare_crash_notes();
  need_alternate_stack();
  word_of_process = &word;
  note_of_process = &note;
  worker_pid = ::getpid();
  this_thread = Death::kHub;
  static const bool once = std::atexit(on_exit) == 0;
  (void)once;
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
  for (const int s : kFaults) ::sigaction(s, &action, nullptr);
}

CulpritMark::CulpritMark(std::size_t handler) : before_(this_thread) {
  need_alternate_stack();
  this_thread = Death::kFirstHandler + handler;
}

CulpritMark::~CulpritMark() { this_thread = before_; }

Death Death::of(int status, std::uint64_t culprit, std::size_t calls, const CrashNote& note) {
  Death death;
  death.culprit_ = culprit;
  death.calls_ = calls;
  // The note has the first signal: a thread that hangs while it writes the note is ended by another
  // signal.
  const int signal = culprit != kNobody && note.signal != 0 ? static_cast<int>(note.signal)
                     : WIFSIGNALED(status)                  ? WTERMSIG(status)
                                                            : 0;
  death.kind_ = culprit != kNobody                ? Kind::marked
                : signal == 0 || is_crash(signal) ? Kind::unnamed
                                                  : Kind::says_nothing;
  if (signal == 0)
    death.text_ = "ended the process (exit " + std::to_string(WEXITSTATUS(status)) + ")";
  else
    death.text_ = (is_crash(signal) ? "crashed (" : "was killed (") + signal_text(signal) + ")";
  if (culprit != kNobody) death.backtrace_ = lines_of(note);
  return death;
}

Death Death::of_child(std::size_t handler, std::optional<int> status, const CrashNote& note) {
  auto death = of(status.value_or(0), kFirstHandler + handler, 1, note);
  death.is_childs_ = true;
  if (!status) death.text_ = "ended";
  const bool is_faults = note.signal != 0 && is_crash(static_cast<int>(note.signal));
  if (!status || !WIFSIGNALED(*status) || is_crash(WTERMSIG(*status)) || is_faults) return death;
  death.kind_ = Kind::says_nothing;
  death.culprit_ = kNobody;
  death.backtrace_.clear();
  return death;
}

Death Death::by_nonsense(std::size_t handler) {
  Death death;
  death.kind_ = Kind::marked;
  death.culprit_ = kFirstHandler + handler;
  death.is_childs_ = true;
  death.text_ = "answered nonsense and was killed";
  return death;
}

Death Death::by_hang(std::size_t handler, std::string timeout, bool is_childs) {
  Death death;
  death.is_childs_ = is_childs;
  death.kind_ = Kind::marked;
  death.culprit_ = kFirstHandler + handler;
  death.hung_ = true;
  death.text_ = "did not come back within " + std::move(timeout);
  return death;
}

}  // namespace standpipe::deliver
