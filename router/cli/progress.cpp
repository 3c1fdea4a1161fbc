// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBar = 30;

std::string time_left(double seconds) {
  if (seconds > 359'999) return "long";
  const auto s = static_cast<std::uint64_t>(std::ceil(seconds));
  if (s < 100) return std::to_string(s) + " s";
  if (s < 6000) return std::to_string((s + 59) / 60) + " min";
  return std::to_string((s + 3599) / 3600) + " h";
}

}  // namespace

Progress::Progress(StandardError& err, std::optional<std::uint64_t> total, Nanoseconds now,
                   std::string_view done)
    : err_(err), total_(total), began_(now), drawn_(now), done_(done) {}

void Progress::at(std::uint64_t done, Nanoseconds now) {
  if (!err_.is_terminal() || now - began_ < 2s || now - drawn_ < 100ms) return;
  drawn_ = now;
  shown_ = true;
  err_.print("\r" + progress_text(done, total_, now - began_, done_) + "\x1b[K");
}

void Progress::clear() {
  if (shown_) err_.print("\r\x1b[K");
  shown_ = false;
}

std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> total,
                          Nanoseconds elapsed, std::string_view verb) {
  const double seconds = std::max(1e-9, static_cast<double>(elapsed.count()) / 1e9);
  const double rate = static_cast<double>(done) / seconds;
  const auto speed = "  " + short_number(std::round(rate)) + "/s";
  if (!total || *total == 0) return "  " + thousands(done) + ' ' + std::string(verb) + speed;
  const auto full = std::min<std::size_t>(
      kBar,
      static_cast<std::size_t>(kBar * (static_cast<double>(done) / static_cast<double>(*total))));
  auto text = "  [" + std::string(full, '#') + std::string(kBar - full, '-') + "]  " +
              thousands(done) + '/' + thousands(*total) + speed;
  if (rate > 0)
    text += "  " + time_left(static_cast<double>(*total - std::min(done, *total)) / rate) + " left";
  return text;
}

}  // namespace standpipe::cli
