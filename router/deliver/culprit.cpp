// SPDX-License-Identifier: Apache-2.0
#include "deliver/culprit.h"

#include <sys/wait.h>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <algorithm>
#include <array>
#include <atomic>

namespace standpipe::deliver {
namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

std::atomic<std::uint64_t*> word_of_process{nullptr};
thread_local std::uint64_t this_thread = Death::kNobody;

void tell() {
  if (auto* word = word_of_process.load()) std::atomic_ref(*word).store(this_thread);
}

// Told, and then as if there were no handler: SA_RESETHAND has put the default back, and the instruction is tried again.
void on_crash(int signal) {
  tell();
  ::raise(signal);
}

// A plugin that ends the process does so from its call. (The hub itself ends by returning from main, when no call is in progress.)
void on_exit() {
  if (this_thread >= Death::kFirstHandler) tell();
}

}  // namespace

void CulpritMark::install(std::uint64_t& word) {
  word = Death::kNobody;
  word_of_process = &word;
  this_thread = Death::kHub;
  static const bool once = std::atexit(on_exit) == 0;
  (void)once;
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
  for (const int s : kCrashes) ::sigaction(s, &action, nullptr);
}

CulpritMark::CulpritMark(std::uint64_t&, std::size_t handler) : before_(this_thread) {
  this_thread = Death::kFirstHandler + handler;
}

CulpritMark::~CulpritMark() { this_thread = before_; }

Death Death::of(int status, std::uint64_t culprit, std::size_t calls) {
  Death death;
  if (WIFSIGNALED(status)) {
    const int s = WTERMSIG(status);
    const bool crash = std::find(kCrashes.begin(), kCrashes.end(), s) != kCrashes.end();
    if (!crash) return death;
    const char* name = ::sigabbrev_np(s);
    death.text_ = std::string("crashed (SIG") + (name ? name : std::to_string(s)) + ")";
  } else {
    death.text_ = "ended the process (exit " + std::to_string(WEXITSTATUS(status)) + ")";
  }
  death.culprit_ = culprit;
  death.unknown_ = culprit == kNobody;
  death.calls_ = calls;
  return death;
}

Death Death::by_hang(std::size_t handler, std::string timeout) {
  Death death;
  death.culprit_ = kFirstHandler + handler;
  death.hung_ = true;
  death.text_ = "did not come back within " + std::move(timeout);
  return death;
}

}  // namespace standpipe::deliver
