// SPDX-License-Identifier: Apache-2.0
#include "base/parts.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe {
namespace {

constexpr std::string_view kEnd = "end 0\n";

std::string whole_file(int file) {
  std::string text;
  char piece[16 * 1024];
  ssize_t n = 0;
  while ((n = ::pread(file, piece, sizeof piece, static_cast<off_t>(text.size()))) > 0)
    text.append(piece, static_cast<std::size_t>(n));
  if (n < 0) throw Failure::system("read what another process left", errno);
  return text;
}

// Takes "NAME BYTES\n" off the front.
std::optional<std::pair<std::string, std::size_t>> take_head(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto head = rest.substr(0, std::min(end, rest.size()));
  const auto space = head.find(' ');
  if (end == rest.npos || space == head.npos) return std::nullopt;
  const auto bytes = parse_integer(head.substr(space + 1));
  if (!bytes || *bytes < 0) return std::nullopt;
  rest.remove_prefix(end + 1);
  return std::pair(std::string(head.substr(0, space)), static_cast<std::size_t>(*bytes));
}

}  // namespace

const std::string& Parts::text(std::string_view name) const {
  static const std::string none;
  const auto found = texts_.find(name);
  return found == texts_.end() ? none : found->second;
}

std::uint64_t Parts::number(std::string_view name) const {
  const auto number = parse_integer(text(name)).value_or(0);
  return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

Fd Parts::write(const char* called) const {
  Fd file(::memfd_create(called, MFD_CLOEXEC));
  if (!file) throw Failure::system("make a file in memory", errno);
  write_to(file.get());
  return file;
}

void Parts::write_to(int file) const {
  const auto all = bytes();
  for (std::size_t at = 0; at < all.size();) {
    const auto n = ::pwrite(file, all.data() + at, all.size() - at, static_cast<off_t>(at));
    if (n <= 0) throw Failure::system("write a file in memory", errno);
    at += static_cast<std::size_t>(n);
  }
}

std::string Parts::bytes() const {
  std::string all;
  for (const auto& [name, text] : texts_)
    all += name + ' ' + std::to_string(text.size()) + '\n' + text;
  return all + std::string(kEnd);
}

Parts Parts::read(int file) {
  const auto all = whole_file(file);
  std::string_view rest = all;
  Parts parts;
  while (rest != kEnd) {
    const auto head = take_head(rest);
    if (!head || head->second > rest.size())
      throw Failure("what another process left is not whole");
    parts.set(head->first, rest.substr(0, head->second));
    rest.remove_prefix(head->second);
  }
  return parts;
}

}  // namespace standpipe
