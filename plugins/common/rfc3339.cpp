// SPDX-License-Identifier: Apache-2.0
#include "common/rfc3339.h"

#include <cstdint>

namespace common {
namespace {

char* put_number(char* to, unsigned number, std::size_t digits, char after) {
  for (std::size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
  to[digits] = after;
  return to + digits + 1;
}

}  // namespace

char* put_rfc3339(char* to, std::chrono::nanoseconds since_1970) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(since_1970);
  const auto day = floor<days>(ms);
  const year_month_day date{sys_days(day)};
  const auto of_day = static_cast<std::uint32_t>((ms - day).count());
  to = put_number(to, static_cast<unsigned>(static_cast<int>(date.year())), 4, '-');
  to = put_number(to, static_cast<unsigned>(date.month()), 2, '-');
  to = put_number(to, static_cast<unsigned>(date.day()), 2, 'T');
  to = put_number(to, of_day / 3'600'000, 2, ':');
  to = put_number(to, of_day / 60'000 % 60, 2, ':');
  to = put_number(to, of_day / 1000 % 60, 2, '.');
  return put_number(to, of_day % 1000, 3, 'Z');
}

std::string rfc3339(std::chrono::nanoseconds since_1970) {
  std::string text(kRfc3339Bytes, '\0');
  put_rfc3339(text.data(), since_1970);
  return text;
}

}  // namespace common
