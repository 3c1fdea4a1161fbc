// SPDX-License-Identifier: Apache-2.0
#include "common/message_name.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iterator>

namespace common {

std::string message_name(const standpipe::Message& message) {
  std::string name(message.source());
  char digits[20];
  const auto append = [&](std::uint64_t number, int base) {
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number, base).ptr;
    name.append(1, ':').append(digits, end);
  };
  append(message.sequence(), 10);
  append(static_cast<std::uint64_t>(message.time().count()), 16);
  if (const char* run = std::getenv("STANDPIPE_RUN")) name.append(1, ':').append(run);
  return name;
}

}  // namespace common
