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

std::optional<std::chrono::nanoseconds> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  unsigned numbers[7] = {};
  std::size_t number = 0;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !is_digit : text[i] != kShape[i]) return std::nullopt;
    if (kShape[i] == 'd')
      numbers[number] = 10 * numbers[number] + static_cast<unsigned>(text[i] - '0');
    else
      ++number;
  }
  const auto [y, mo, d, h, mi, s, ms] = numbers;
  const year_month_day date{year(static_cast<int>(y)), month(mo), day(d)};
  if (!date.ok() || y < 1970 || y > 2261 || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return sys_days(date).time_since_epoch() + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms);
}

}  // namespace common
