// SPDX-License-Identifier: Apache-2.0
#include "common/rfc3339.h"

#include <array>
#include <cstdio>

namespace common {

std::string rfc3339(std::chrono::nanoseconds since_1970) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(since_1970);
  const auto day = floor<days>(ms);
  const year_month_day date{sys_days(day)};
  const hh_mm_ss time{ms - day};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

}  // namespace common
