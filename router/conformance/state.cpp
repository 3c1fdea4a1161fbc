// SPDX-License-Identifier: Apache-2.0
#include "conformance/state.h"

#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>
#include <vector>

#include "base/text.h"

namespace standpipe::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto kEndingMost = 300ms;

std::size_t entries_in(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

std::string locale_name() {
  const char* name = ::setlocale(LC_ALL, nullptr);
  return name ? name : "";
}

unsigned file_mask() {
  const auto mask = ::umask(0);
  (void)::umask(mask);
  return mask;
}

std::string blocked_signals() {
  sigset_t blocked;
  (void)::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  std::string text;
  for (int signal = 1; signal < SIGRTMIN; ++signal)
    text += ::sigismember(&blocked, signal) == 1 ? '1' : '0';
  return text;
}

std::map<int, void*> signal_handlers() {
  std::map<int, void*> handlers;
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0)
      handlers[signal] = reinterpret_cast<void*>(action.sa_handler);
  }
  return handlers;
}

}  // namespace

std::size_t count_threads() { return entries_in("/proc/self/task"); }

std::size_t count_threads_when_settled(std::size_t wanted) {
  const auto end = std::chrono::steady_clock::now() + kEndingMost;
  while (count_threads() > wanted && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(2ms);
  return count_threads();
}

std::size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t heap_bytes_after(const std::function<void()>& lives) {
  const auto threads = count_threads();
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      lives();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
  (void)count_threads_when_settled(threads);
  return heap_bytes();
}

std::size_t mapped_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Descriptors open_descriptors() {
  std::vector<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    if (const auto number = parse_integer(entry.path().filename().string()))
      numbers.push_back(static_cast<int>(*number));
  Descriptors found;
  for (const int fd : numbers) {
    struct stat status {};
    if (::fstat(fd, &status) == 0) found[fd] = {status.st_dev, status.st_ino};
  }
  return found;
}

ProcessState::ProcessState()
    : locale_(locale_name()),
      mask_(file_mask()),
      handlers_(signal_handlers()),
      blocked_(blocked_signals()) {}

std::string ProcessState::changed() const {
  if (file_mask() != mask_) return "the mask of new files' permissions (umask)";
  if (locale_name() != locale_) return "the locale (setlocale)";
  if (blocked_signals() != blocked_) return "which signals are blocked";
  for (const auto& [signal, handler] : signal_handlers())
    if (handlers_.at(signal) != handler) {
      const char* name = ::sigabbrev_np(signal);
      return std::string("what happens on SIG") + (name ? name : std::to_string(signal));
    }
  return {};
}

BeforeCreate::BeforeCreate() : descriptors_(open_descriptors()), threads_(count_threads()) {}

std::string BeforeCreate::fault() const {
  if (count_threads() > threads_) return "create starts a thread";
  if (open_descriptors() != descriptors_) return "create opens or closes descriptors";
  if (const auto what = process_.changed(); !what.empty()) return "create changes " + what;
  return std::filesystem::is_empty(".") ? "" : "create makes files";
}

}  // namespace standpipe::conformance
