// SPDX-License-Identifier: Apache-2.0
#include "rotation.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace {

std::string rotated(const std::string& path, unsigned number) { return path + "." + std::to_string(number); }

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

int rename_file(const std::string& from, const std::string& to) { return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno; }

}  // namespace

bool Rotation::is_due(std::uint64_t size, std::chrono::nanoseconds age) const {
  if (size == 0) return false;
  return (limits_.size && size >= *limits_.size) || (limits_.age && age >= *limits_.age);
}

int Rotation::put_aside(const std::string& path) const {
  if (limits_.keep == 0) return ::unlink(path.c_str()) == 0 ? 0 : errno;
  unsigned free = 1;  // the first number that nobody has: those behind it need not move
  while (free < limits_.keep && exists(rotated(path, free))) ++free;
  for (; free > 1; --free)
    if (const int error = rename_file(rotated(path, free - 1), rotated(path, free))) return error;
  return rename_file(path, rotated(path, 1));
}
