// SPDX-License-Identifier: Apache-2.0
#include "keeper/descendants.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string_view>
#include <system_error>

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

}  // namespace

WorkersMark::WorkersMark() : variable_(kName + new_mark()) {}

std::vector<pid_t> WorkersMark::children() const {
  std::error_code problem;
  if (std::filesystem::read_symlink("/proc/self", problem) != std::to_string(::getpid())) return {};
  auto found = keeper::children();
  std::erase_if(found, [&](pid_t pid) { return !has_in_environment(pid, variable_); });
  return found;
}

}  // namespace standpipe::keeper
