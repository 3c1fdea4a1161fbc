// SPDX-License-Identifier: Apache-2.0
#include "base/file_locks.h"

#include <sys/sysmacros.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace standpipe {
namespace {

std::optional<unsigned> parse_hex(std::string_view text) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

// "fe:00:9980446": the device in hexadecimal, the inode in decimal.
std::optional<FileId> parse_file(std::string_view text) {
  const auto first = text.find(':'), second = text.rfind(':');
  if (first == second) return std::nullopt;
  const auto major_number = parse_hex(text.substr(0, first));
  const auto minor_number = parse_hex(text.substr(first + 1, second - first - 1));
  const auto inode = parse_integer(text.substr(second + 1));
  if (!major_number || !minor_number || !inode) return std::nullopt;
  return FileId{gnu_dev_makedev(*major_number, *minor_number), static_cast<std::uint64_t>(*inode)};
}

}  // namespace

// "1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF"; of one who waits, "->" stands before its kind.
std::optional<FileLock> parse_file_lock(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string number, kind, advisory, access, process, file, first, last;
  if (!(words >> number >> kind >> advisory >> access >> process >> file >> first >> last))
    return std::nullopt;
  const auto id = parse_file(file);
  const auto byte = parse_integer(first);
  if (kind == "->" || !id || !byte || *byte < 0) return std::nullopt;
  return FileLock{kind, *id, static_cast<std::uint64_t>(*byte)};
}

std::vector<FileLock> file_locks() {
  std::vector<FileLock> locks;
  std::ifstream file("/proc/locks");
  for (std::string line; std::getline(file, line);)
    if (auto lock = parse_file_lock(line)) locks.push_back(std::move(*lock));
  return locks;
}

}  // namespace standpipe
