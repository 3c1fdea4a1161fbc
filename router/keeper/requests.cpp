// SPDX-License-Identifier: Apache-2.0
#include "keeper/requests.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace standpipe::keeper {

std::string Wanted::text() const {
  return std::to_string(stops) + ' ' + std::to_string(reopens) + ' ' + std::to_string(reloads);
}

std::optional<Wanted> Wanted::from(std::string_view text) {
  std::array<unsigned, 3> numbers{};
  for (auto& number : numbers) {
    const auto end = std::min(text.find(' '), text.size());
    const auto value = parse_integer(text.substr(0, end));
    if (!value || *value < 0 || *value > std::numeric_limits<unsigned>::max()) return std::nullopt;
    number = static_cast<unsigned>(*value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return Wanted{numbers[0], numbers[1], numbers[2]};
}

void Requests::want_stop(Nanoseconds now) {
  if (!stop_wanted_at_ || now - *stop_wanted_at_ >= kTogether)
    wanted_.stops = std::min(wanted_.stops + 1, kStopsMost);
  stop_wanted_at_ = now;
}

void Requests::begin_worker() {
  wanted_.reopens = wanted_.reopens != answered_.reopens ? 1 : 0;
  wanted_.reloads = wanted_.reloads != answered_.reloads ? 1 : 0;
  answered_ = reported_ = Wanted();
}

void Requests::answered(std::string_view text) {
  if (const auto known = Wanted::from(text)) answered_ = *known;
}

std::optional<Nanoseconds> Requests::next() const {
  if (is_answered()) return std::nullopt;
  return reported_ == wanted_ ? reported_at_ + kRepeat : Nanoseconds(0);
}

std::optional<std::string> Requests::due(Nanoseconds now) {
  const auto when = next();
  if (!when || now < *when) return std::nullopt;
  reported_ = wanted_;
  reported_at_ = now;
  return wanted_.text();
}

}  // namespace standpipe::keeper
