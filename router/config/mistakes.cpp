// SPDX-License-Identifier: Apache-2.0
#include "config/mistakes.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::config {
namespace {

constexpr std::uint32_t kNowhere = UINT32_MAX;

std::tuple<std::uint32_t, std::uint32_t> order(const Spot& s) { return {s.line ? s.line : kNowhere, s.byte}; }

// One star a character, so that the caret stays where it should.
void blot_out(std::string& line, std::size_t from, std::size_t bytes) {
  const auto to = std::min(from + bytes, line.size());
  std::string stars;
  for (auto i = from; i < to; ++i)
    if ((static_cast<unsigned char>(line[i]) & 0xc0) != 0x80) stars += '*';
  if (from < to) line.replace(from, to - from, stars);
}

}  // namespace

void Mistakes::add(const Spot& spot, Diagnostic diagnostic) {
  if (full()) {
    ++(diagnostic.severity == Severity::error ? errors_ : warnings_);
    return;
  }
  if (!said_.insert({spot, diagnostic.code, diagnostic.label.empty() ? diagnostic.message : diagnostic.label}).second) return;
  ++(diagnostic.severity == Severity::error ? errors_ : warnings_);
  kept_.push_back({spot, std::move(diagnostic)});
}

Place Mistakes::shown(const Spot& spot) const {
  auto place = document_.place(spot);
  for (auto secret = secrets_.lower_bound({spot.line + 1, 0, 0}); secret != secrets_.begin();) {
    if ((--secret)->line != spot.line) break;
    blot_out(place.text, secret->byte, secret->bytes);
  }
  return place;
}

std::vector<Diagnostic> Mistakes::in_order() {
  std::stable_sort(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return order(a.spot) < order(b.spot); });
  const auto all = errors_ + warnings_;
  std::vector<Diagnostic> out;
  for (auto& mistake : kept_) {
    if (out.size() == kConfigErrorsMax) break;
    if (mistake.spot.line) mistake.diagnostic.place = shown(mistake.spot);
    out.push_back(std::move(mistake.diagnostic));
  }
  if (all > out.size())
    out.push_back({.severity = any_error() ? Severity::error : Severity::warning,
                   .code = "more-mistakes",
                   .message = "and " + counted(all - out.size(), "more mistake") + ", not shown"});
  return out;
}

}  // namespace standpipe::config
