// SPDX-License-Identifier: Apache-2.0
#include "config/mistakes.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::config {
namespace {

constexpr std::uint32_t kNowhere = UINT32_MAX;

std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> order(const Spot& s) {
  return {s.line ? s.file : kNowhere, s.line, s.byte};
}

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
  if (!reported_
           .insert({spot, diagnostic.code,
                    diagnostic.label.empty() ? diagnostic.message : diagnostic.label})
           .second)
    return;
  ++(diagnostic.severity == Severity::error ? errors_ : warnings_);
  auto kind = kind_of(diagnostic);
  kept_.push_back({spot, std::move(diagnostic), std::move(kind)});
}

// A mistake without a place is reported alone.
std::string Mistakes::kind_of(const Diagnostic& d) const {
  auto message = d.message;
  if (const auto at = part_.empty() ? std::string::npos : message.find(part_);
      at != std::string::npos)
    message.erase(at, part_.size());
  std::string kind = d.code;
  for (const auto& text : {message, d.label, joined(d.notes, "\n"), joined(d.help, "\n")})
    kind += '\0' + text;
  return kind;
}

Location Mistakes::shown(const Spot& spot) const {
  auto place = documents_.place(spot);
  for (auto secret = secrets_.lower_bound({spot.line + 1, 0, 0}); secret != secrets_.begin();) {
    if ((--secret)->line != spot.line) break;
    if (secret->file != spot.file) continue;
    blot_out(place.text, secret->byte, secret->bytes);
  }
  return place;
}

std::vector<Diagnostic> Mistakes::in_order() {
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const auto& a, const auto& b) { return order(a.spot) < order(b.spot); });
  const auto all = errors_ + warnings_;
  std::vector<Diagnostic> out;
  std::map<std::string, std::size_t> told;  // kind -> number in out
  std::size_t places = 0;
  for (auto& mistake : kept_) {
    const auto first = mistake.spot.line ? told.find(mistake.kind) : told.end();
    if (first != told.end()) {
      out[first->second].others.push_back(shown(mistake.spot));
    } else {
      if (out.size() == kConfigErrorsMax) continue;
      told.emplace(std::move(mistake.kind), out.size());
      if (mistake.spot.line) mistake.diagnostic.place = shown(mistake.spot);
      out.push_back(std::move(mistake.diagnostic));
    }
    ++places;
  }
  if (all > places)
    out.push_back({.severity = any_error() ? Severity::error : Severity::warning,
                   .code = "more-mistakes",
                   .message = "and " + counted(all - places, "more mistake") + ", not shown"});
  return out;
}

}  // namespace standpipe::config
