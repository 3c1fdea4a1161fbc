// SPDX-License-Identifier: Apache-2.0
#include "deliver/account.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "base/invariant.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kNames[kReasons] = {
    "no_route", "bad_frame", "too_large", "truncated",  "rejected", "retries_exhausted",
    "timeout",  "crashed",   "expired",   "queue_full", "loop",     "unacknowledged",
    "shutdown", "skipped",   "damaged"};

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string dropped_text(const Tally& tally) {
  std::string why;
  for (std::size_t r = 0; r < kReasons; ++r)
    if (tally.dropped[r])
      why +=
          (why.empty() ? " (" : ", ") + thousands(tally.dropped[r]) + ' ' + std::string(kNames[r]);
  return "dropped " + thousands(tally.dropped_sum()) + (why.empty() ? "" : why + ")");
}

// " (to rest)", " (dropped)", or both with their numbers.
std::string where_unmatched_went(const Account::Source& s) {
  const auto taken = s.counters.unmatched_taken;
  const auto dropped = s.counters.unmatched - taken;
  if (s.counters.unmatched == 0) return "";
  if (taken == 0) return " (dropped)";
  if (dropped == 0) return " (to " + s.unmatched_to + ")";
  return " (" + thousands(taken) + " to " + s.unmatched_to + ", " + thousands(dropped) +
         " dropped)";
}

// "matched 3", "unmatched 4", or both: what came to a handler.
std::string came_text(const Account::Line& l) {
  const auto matched = l.tally.matched - l.unmatched;
  if (l.unmatched == 0) return "matched " + thousands(matched);
  return (matched ? "matched " + thousands(matched) + " + " : "") + "unmatched " +
         thousands(l.unmatched);
}

std::string dead_text(const Tally& tally) {
  std::string why;
  for (std::size_t r = 0; r < tally.dead_by.size(); ++r)
    if (tally.dead_by[r])
      why += (why.empty() ? " (" : ", ") + thousands(tally.dead_by[r]) + ' ' +
             std::string(reason_name(kDeadReasons[r]));
  return why.empty() ? why : why + ')';
}

std::string source_text(const Account::Source& s, std::size_t width) {
  const auto& in = s.counters;
  std::string line = "  " + padded(s.name, width) + "  accepted " + thousands(in.accepted) +
                     " = matched " + thousands(in.matched) + " + unmatched " +
                     thousands(in.unmatched) + where_unmatched_went(s);
  if (in.bad_frame) line += "; bad_frame " + thousands(in.bad_frame);
  if (in.truncated) line += "; truncated " + thousands(in.truncated);
  if (in.discarded_bytes) line += "; discarded " + counted(in.discarded_bytes, "byte");
  if (in.above_match_max)
    line += "; above match_max " + thousands(in.above_match_max) + " (not looked into)";
  if (in.too_long_for_patterns)
    line += "; too long for patterns " + thousands(in.too_long_for_patterns) + " (not tried)";
  return line + '\n';
}

std::string line_text(const Account::Line& l, std::size_t width) {
  std::string line = "  " + padded(l.source + " -> " + l.handler, width) + "  " + came_text(l) +
                     " = delivered " + thousands(l.tally.delivered);
  if (l.tally.filtered) line += " + filtered " + thousands(l.tally.filtered);
  if (l.tally.dropped_sum()) line += " + " + dropped_text(l.tally);
  if (l.tally.dead_lettered)
    line += " + dead-lettered " + thousands(l.tally.dead_lettered) + dead_text(l.tally);
  if (l.in_flight) line += " + in flight " + thousands(l.in_flight);
  if (l.saved) line += " (" + thousands(l.saved) + " saved)";
  return line + (l.closes() ? "\n" : "  DOES NOT CLOSE\n");
}

std::string source_json(const Account::Source& s) {
  const auto& in = s.counters;
  return json_string(s.name) + ":{\"accepted\":" + std::to_string(in.accepted) +
         ",\"matched\":" + std::to_string(in.matched) +
         ",\"unmatched\":" + std::to_string(in.unmatched) +
         ",\"unmatched_taken\":" + std::to_string(in.unmatched_taken) +
         ",\"unmatched_to\":" + (s.unmatched_to.empty() ? "null" : json_string(s.unmatched_to)) +
         ",\"bytes\":" + std::to_string(in.bytes) +
         ",\"bad_frame\":" + std::to_string(in.bad_frame) +
         ",\"truncated\":" + std::to_string(in.truncated) +
         ",\"discarded_bytes\":" + std::to_string(in.discarded_bytes) +
         ",\"above_match_max\":" + std::to_string(in.above_match_max) +
         ",\"too_long_for_patterns\":" + std::to_string(in.too_long_for_patterns) + "}";
}

std::string latency_json(const std::optional<Percentiles>& latency) {
  if (!latency) return "null";
  return "{\"p50_ns\":" + std::to_string(latency->p50.count()) +
         ",\"p99_ns\":" + std::to_string(latency->p99.count()) + '}';
}

std::string line_json(const Account::Line& l) {
  std::string dropped;
  for (std::size_t r = 0; r < kReasons; ++r)
    if (l.tally.dropped[r])
      dropped += (dropped.empty() ? "\"" : ",\"") + std::string(kNames[r]) +
                 "\":" + std::to_string(l.tally.dropped[r]);
  std::string dead;
  for (std::size_t r = 0; r < l.tally.dead_by.size(); ++r)
    if (l.tally.dead_by[r])
      dead += (dead.empty() ? "\"" : ",\"") + std::string(reason_name(kDeadReasons[r])) +
              "\":" + std::to_string(l.tally.dead_by[r]);
  return "{\"source\":" + json_string(l.source) + ",\"handler\":" + json_string(l.handler) +
         ",\"matched\":" + std::to_string(l.tally.matched - l.unmatched) +
         ",\"unmatched\":" + std::to_string(l.unmatched) +
         ",\"delivered\":" + std::to_string(l.tally.delivered) +
         ",\"filtered\":" + std::to_string(l.tally.filtered) +
         ",\"unacknowledged\":" + std::to_string(l.tally.unacknowledged) + ",\"dropped\":{" +
         dropped + "},\"dead_lettered\":" + std::to_string(l.tally.dead_lettered) +
         ",\"dead_letters\":{" + dead + "},\"in_flight\":" + std::to_string(l.in_flight) +
         ",\"saved\":" + std::to_string(l.saved) + ",\"latency\":" + latency_json(l.latency) + "}";
}

template <class T, class F>
std::string list_of(const std::vector<T>& items, F text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + text(item);
  return out;
}

}  // namespace

void Tally::dead_letter(Reason reason, std::uint64_t messages) {
  const auto found = std::find(kDeadReasons.begin(), kDeadReasons.end(), reason);
  INVARIANT(found != kDeadReasons.end(), reason_name(reason));
  dead_lettered += messages;
  dead_by[static_cast<std::size_t>(found - kDeadReasons.begin())] += messages;
}

Tally& Tally::operator+=(const Tally& other) {
  matched += other.matched;
  delivered += other.delivered;
  filtered += other.filtered;
  dead_lettered += other.dead_lettered;
  unacknowledged += other.unacknowledged;
  for (std::size_t i = 0; i < dead_by.size(); ++i) dead_by[i] += other.dead_by[i];
  for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] += other.dropped[i];
  return *this;
}

std::string_view reason_name(Reason reason) { return kNames[static_cast<std::size_t>(reason)]; }

std::uint64_t Tally::dropped_sum() const {
  return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
}

std::uint64_t Account::lost_at_stop() const {
  std::uint64_t sum = 0;
  for (const auto& line : lines)
    sum += line.tally.dropped[static_cast<std::size_t>(Reason::shutdown)];
  return sum;
}

bool Account::closes() const {
  return std::all_of(lines.begin(), lines.end(), [](const Line& l) { return l.closes(); }) &&
         std::all_of(sources.begin(), sources.end(), [](const Source& s) {
           return s.counters.accepted == s.counters.matched + s.counters.unmatched;
         });
}

std::string Account::text() const {
  std::uint64_t matched = 0, delivered = 0, dead_lettered = 0, other = 0, in_flight = 0;
  std::size_t width = 8;
  for (const auto& l : lines) {
    matched += l.tally.matched;
    delivered += l.tally.delivered;
    dead_lettered += l.tally.dead_lettered;
    other += l.tally.settled() - l.tally.delivered - l.tally.dead_lettered;
    in_flight += l.in_flight;
    width = std::max(width, l.source.size() + 4 + l.handler.size());
  }
  std::string out =
      std::string("account ") + (closes() ? "closes" : "DOES NOT CLOSE") + ": " +
      thousands(matched) + " = delivered " + thousands(delivered) + " + filtered or dropped " +
      thousands(other) + (dead_lettered ? " + dead-lettered " + thousands(dead_lettered) : "") +
      " + in flight " + thousands(in_flight) +
      (spilled ? " (" + thousands(spilled) + " saved for the next start)" : "") + '\n';
  width = std::min<std::size_t>(width, 48);
  for (const auto& s : sources) out += source_text(s, width);
  for (const auto& l : lines) out += line_text(l, width);
  if (removed_letters)
    out += "  dead letters removed, for there is a limit to them: " + thousands(removed_letters) +
           '\n';
  return out;
}

std::string Account::json() const {
  return std::string("{\"closes\":") + (closes() ? "true" : "false") + ",\"sources\":{" +
         list_of(sources, source_json) + "},\"deliveries\":[" + list_of(lines, line_json) +
         "],\"spilled\":" + std::to_string(spilled) +
         ",\"removed_letters\":" + std::to_string(removed_letters) + "}\n";
}

}  // namespace standpipe::deliver
