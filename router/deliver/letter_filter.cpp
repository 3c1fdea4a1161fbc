// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_filter.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace standpipe::deliver {
namespace {

// No letter that looks like another one.
constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";

bool has_one(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::uint64_t> nanoseconds_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool take(LetterFilter& filter, std::string_view key, std::string_view value) {
  if (key == "id") {
    filter.ids.emplace_back(value);
  } else if (key == "source") {
    filter.sources.emplace_back(value);
  } else if (key == "handler") {
    filter.handlers.emplace_back(value);
  } else if (key == "reason") {
    const auto reason = dead_reason(value);
    if (!reason) return false;
    filter.reasons.push_back(*reason);
  } else if (key == "since" || key == "until") {
    const auto number = nanoseconds_of(value);
    if (!number) return false;
    (key == "since" ? filter.since_ns : filter.until_ns) = *number;
  } else {
    return false;
  }
  return !value.empty();
}

}  // namespace

std::string letter_id(const DeadLetter& letter) {
  const auto identity = letter.identity();
  std::string id = "d-";
  for (int shift = 60; shift >= 0; shift -= 5) id += kLetters[identity >> shift & 31];
  return id;
}

bool LetterFilter::has(const DeadLetter& letter) const {
  if (letter.dead_lettered_ns < since_ns || letter.dead_lettered_ns > until_ns) return false;
  if (!has_one(sources, letter.source) || !has_one(handlers, letter.handler)) return false;
  if (!reasons.empty() && std::find(reasons.begin(), reasons.end(), letter.reason) == reasons.end())
    return false;
  if (ids.empty()) return true;
  const auto id = letter_id(letter);
  return std::any_of(ids.begin(), ids.end(), [&](const auto& i) { return id.starts_with(i); });
}

std::string LetterFilter::text() const {
  std::string out;
  const auto add = [&](std::string_view key, std::string_view value) {
    out.append(out.empty() ? "" : " ").append(key).append("=").append(value);
  };
  for (const auto& id : ids) add("id", id);
  for (const auto& name : sources) add("source", name);
  for (const auto& name : handlers) add("handler", name);
  for (const auto reason : reasons) add("reason", reason_name(reason));
  if (since_ns > 0) add("since", std::to_string(since_ns));
  if (until_ns != UINT64_MAX) add("until", std::to_string(until_ns));
  return out;
}

std::optional<LetterFilter> LetterFilter::parse(std::string_view text) {
  LetterFilter filter;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos ||
        !take(filter, word.substr(0, equals), word.substr(equals + 1)))
      return std::nullopt;
  }
  return filter;
}

std::optional<Reason> dead_reason(std::string_view name) {
  for (const auto reason : kDeadReasons)
    if (reason_name(reason) == name) return reason;
  return std::nullopt;
}

std::vector<std::string> dead_reasons() {
  std::vector<std::string> names;
  for (const auto reason : kDeadReasons) names.emplace_back(reason_name(reason));
  return names;
}

}  // namespace standpipe::deliver
