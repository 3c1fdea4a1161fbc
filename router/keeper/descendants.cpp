// SPDX-License-Identifier: Apache-2.0
#include "keeper/descendants.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string_view>
#include <system_error>

#include "base/fd.h"
#include "keeper/processes.h"

namespace standpipe::keeper {
namespace {

std::string new_mark() {
  std::random_device chance;
  const auto number = static_cast<std::uint64_t>(chance()) << 32 | chance();
  std::array<char, 17> text{};
  (void)std::snprintf(text.data(), text.size(), "%016lx", static_cast<unsigned long>(number));
  return text.data();
}

// A zombie has no environment.
bool has_in_environment(pid_t pid, std::string_view variable) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  for (std::string entry; std::getline(file, entry, '\0');)
    if (entry == variable) return true;
  return false;
}

// One that is killed ends presently, unless the kernel is busy on its behalf.
constexpr int kEndsWithinMs = 100;
// Each of them was started by one that was found before, so a plugin cannot go on like that for
// ever.
constexpr int kGenerationsMost = 32;

bool is_own_proc() {
  std::error_code problem;
  return std::filesystem::read_symlink("/proc/self", problem) == std::to_string(::getpid());
}

// One read, where children() looks at all processes: a handler may die ten times a second.
std::vector<pid_t> children_of(pid_t parent) {
  const auto task = std::to_string(parent);
  std::ifstream file("/proc/" + task + "/task/" + task + "/children");
  std::vector<pid_t> found;
  for (pid_t pid = 0; file >> pid;) found.push_back(pid);
  return found;
}

// By a descriptor, since its number may be another process's by now. Whether it has ended, and so
// has left what it had started to the keeper. One that is ending has no environment any more, and
// its children become the keeper's only a little later.
bool has_ended(pid_t pid, std::string_view mark, std::string_view variable) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  if (has_in_environment(pid, variable) && has_in_environment(pid, mark))
    (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  else if (!is_ending(pid))
    return false;
  pollfd ended{process.get(), POLLIN, 0};
  return ::poll(&ended, 1, kEndsWithinMs) > 0;
}

}  // namespace

WorkersMark::WorkersMark() : variable_(kName + new_mark()) {}

std::vector<pid_t> WorkersMark::children() const {
  if (!is_own_proc()) return {};
  auto found = keeper::children();
  std::erase_if(found, [&](pid_t pid) { return !has_in_environment(pid, variable_); });
  return found;
}

void end_left_with(const std::string& variable) {
  const std::string_view name(WorkersMark::kName);
  const char* value = std::getenv(std::string(name.substr(0, name.size() - 1)).c_str());
  if (!value || !is_own_proc()) return;
  const auto mark = std::string(name) + value;
  std::set<pid_t> ended;
  for (int generation = 0; generation < kGenerationsMost; ++generation) {
    const auto before = ended.size();
    for (const auto pid : children_of(::getppid()))
      if (!ended.contains(pid) && has_ended(pid, mark, variable)) ended.insert(pid);
    if (ended.size() == before) break;
  }
}

}  // namespace standpipe::keeper
