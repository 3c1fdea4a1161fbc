// SPDX-License-Identifier: Apache-2.0
#include "base/lock_holders.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/file_id.h"
#include "base/text.h"

namespace standpipe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHoldersMost = 8;  // more are not listed

// "lock:	1: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF", for each lock that this open file
// has.
bool has_lock(const std::string& fdinfo) {
  std::ifstream file(fdinfo);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("lock:") &&
        (line.find(" FLOCK ") != line.npos || line.find(" OFDLCK ") != line.npos))
      return true;
  return false;
}

bool holds(const std::string& process, const FileId& file) {
  std::error_code gone;
  for (fs::directory_iterator fd(process + "/fdinfo", gone), end; !gone && fd != end;
       fd.increment(gone)) {
    if (!has_lock(fd->path())) continue;
    if (FileId::at(process + "/fd/" + fd->path().filename().string()) == file) return true;
  }
  return false;
}

std::string name_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  return escaped(name);
}

pid_t parent_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("PPid:"))
      return static_cast<pid_t>(
          parse_integer(line.substr(line.find_first_of("0123456789"))).value_or(0));
  return 0;
}

}  // namespace

std::vector<pid_t> lock_holders(int fd) {
  const auto file = FileId::of(fd);
  std::vector<pid_t> found;
  std::error_code gone;
  for (fs::directory_iterator process("/proc", gone), end; !gone && process != end;
       process.increment(gone)) {
    const auto id = parse_integer(process->path().filename().string());
    if (id && found.size() < kHoldersMost && holds(process->path(), file))
      found.push_back(static_cast<pid_t>(*id));
  }
  std::ranges::sort(found);
  return found;
}

bool is_or_has(pid_t process, const std::vector<pid_t>& holders) {
  return std::ranges::any_of(
      holders, [=](pid_t holder) { return holder == process || parent_of(holder) == process; });
}

std::string processes_text(const std::vector<pid_t>& processes) {
  std::vector<std::string> names;
  for (const auto process : processes)
    names.push_back(std::to_string(process) + " (" + name_of(process) + ")");
  return (names.size() == 1 ? "process " : "processes ") + joined(names, ", ");
}

std::string how_to_end(const std::vector<pid_t>& processes) {
  std::string command = processes.size() == 1 ? "end it: kill" : "end them: kill";
  for (const auto process : processes) command += ' ' + std::to_string(process);
  return command;
}

}  // namespace standpipe
