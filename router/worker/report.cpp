// SPDX-License-Identifier: Apache-2.0
#include "worker/report.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/failure.h"
#include "base/text.h"
#include "worker/hub.h"

namespace standpipe::worker {
namespace {

std::time_t seconds_of(Nanoseconds wall) {
  return std::chrono::duration_cast<std::chrono::seconds>(wall).count();
}

std::string formatted(const char* format, const std::tm& time) {
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

std::tm local_time(Nanoseconds wall) {
  const auto seconds = seconds_of(wall);
  std::tm time{};
  ::localtime_r(&seconds, &time);
  return time;
}

// "11:48:02" today, "2024-05-01 11:48" earlier.
std::string clock_text(Nanoseconds wall, Nanoseconds now) {
  const auto then = local_time(wall), today = local_time(now);
  const bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  return formatted(same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M", then);
}

// "2024-05-01 11:48:02 +0200": whoever reads it later, or elsewhere, needs the date and the zone.
std::string time_with_zone(Nanoseconds wall) {
  return formatted("%Y-%m-%d %H:%M:%S %z", local_time(wall));
}

std::string utc_text(Nanoseconds wall) {
  const auto seconds = seconds_of(wall);
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  return formatted("%Y-%m-%dT%H:%M:%SZ", time);
}

constexpr Nanoseconds kCallIsReported = std::chrono::seconds(1);

// "held: no route to db", "ready, in one call of handle since 25 s"; empty: there is nothing to be
// reported.
std::string handler_text(const deliver::HandlerState& state) {
  std::string text;
  if (state.name != "ready")
    text = std::string(state.name) + (state.reason.empty() ? "" : ": " + state.reason);
  if (state.in_call < kCallIsReported) return text;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(state.in_call).count();
  return (text.empty() ? std::string(state.name) : text) + ", in one call of " +
         std::string(state.phase) + " since " + std::to_string(seconds) + " s";
}

// Empty: its plugin has settled all that it was given.
std::string taken_text(const deliver::HandlerState& state) {
  if (state.taken == 0) return {};
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(state.oldest_taken);
  const auto age = ms < std::chrono::seconds(1) ? std::to_string(ms.count()) + " ms"
                                                : std::to_string(ms.count() / 1000) + " s";
  return "has taken " + counted(state.taken, "message") + " that it has not settled yet, " +
         (state.taken == 1 ? "" : "the oldest ") + age + " ago";
}

std::string handler_json(const deliver::HandlerState& state) {
  std::string json = "{\"state\":" + json_string(state.name);
  if (!state.reason.empty()) json += ",\"reason\":" + json_string(state.reason);
  if (!state.phase.empty()) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(state.in_call).count();
    json += ",\"in_call\":" + json_string(state.phase) + ",\"in_call_ms\":" + std::to_string(ms);
  }
  json += ",\"taken\":" + std::to_string(state.taken);
  if (state.taken > 0) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(state.oldest_taken);
    json += ",\"oldest_taken_ms\":" + std::to_string(ms.count());
  }
  return json + '}';
}

std::string source_text(const SourceState& state, Nanoseconds now) {
  std::string text(name_of(state.kind));
  if (state.since) text += " since " + clock_text(*state.since, now);
  if (!state.reason.empty()) text += ": " + state.reason;
  return text;
}

std::string state_json(const SourceState& state) {
  std::string json = "{\"state\":" + json_string(name_of(state.kind));
  if (state.since) json += ",\"since\":" + json_string(utc_text(*state.since));
  if (!state.reason.empty()) json += ",\"reason\":" + json_string(state.reason);
  if (state.discarded_bytes)
    json += ",\"discarded_bytes\":" + std::to_string(*state.discarded_bytes);
  return json + '}';
}

std::string overflow_text(const QueueState& queue, Nanoseconds now) {
  return queue.source + " -> " + queue.handler + ": " + counted(queue.waiting, "message") +
         " overflowed to " + queue.folder + " since " + clock_text(*queue.overflows_since, now) +
         ", " + thousands(queue.bytes) + " bytes of at most " + size_text(queue.max) + " for all" +
         (queue.stuck.empty() ? "" : "; it takes no more, so writers wait: " + queue.stuck);
}

std::string queue_json(const QueueState& queue) {
  return json_string(queue.source + " -> " + queue.handler) +
         ":{\"path\":" + json_string(queue.folder) +
         ",\"messages\":" + std::to_string(queue.waiting) +
         ",\"bytes\":" + std::to_string(queue.bytes) +
         ",\"max_bytes\":" + std::to_string(queue.max) +
         (queue.overflows_since ? ",\"since\":" + json_string(utc_text(*queue.overflows_since))
                                : "") +
         ",\"stuck\":" + (queue.stuck.empty() ? "null" : json_string(queue.stuck)) + '}';
}

// "NAME":{...} of each, joined.
std::string json_of(const std::vector<QueueState>& queues, bool overflows) {
  std::string json;
  for (const auto& queue : queues) {
    if (queue.overflows_since.has_value() != overflows) continue;
    json += (json.empty() ? "" : ",") + queue_json(queue);
  }
  return json;
}

// When the file was written to last; empty: it is not there.
std::optional<Nanoseconds> written_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return std::chrono::seconds(status.st_mtim.tv_sec);
}

// " (loaded 13:02:11, changed on disk since)"
std::string loaded_text(const Facts& facts, Nanoseconds now) {
  if (facts.loaded == Nanoseconds(0)) return {};
  return " (loaded " + clock_text(facts.loaded, now) +
         (facts.changed_on_disk ? ", changed on disk since)" : ", unchanged on disk)");
}

std::string round_ms(Nanoseconds time) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  const auto rest = std::to_string(1000 + us % 1000);
  return std::to_string(us / 1000) + '.' + rest.substr(1);
}

// "null" before any round has ended.
std::string longest_round_json(const Report::LongestRound& longest) {
  if (longest.took == Nanoseconds(0)) return "null";
  return "{\"ms\":" + round_ms(longest.took) +
         ",\"ended\":" + json_string(utc_text(longest.ended)) + '}';
}

Report report_of(const Hub& hub, const Facts& facts, Hub::InFlight how) {
  Report report{
      .facts = facts, .handlers = {}, .relays = hub.relays(), .account = hub.account(how)};
  report.facts.since = hub.since();
  for (const auto& source : hub.sources())
    report.sources.push_back({source.inlet->name(), source.inlet->state()});
  report.queues = hub.queues();
  for (const auto& handler : hub.handlers())
    report.handlers.push_back(
        {handler->name(), handler->state(hub.clock().steady()), handler->options().is_source});
  const auto& longest = hub.longest_round();
  const auto ago = hub.clock().steady() - longest.ended;
  report.longest_round = {.took = longest.took, .ended = hub.clock().wall() - ago};
  return report;
}

}  // namespace

std::string Report::text(Nanoseconds now) const {
  std::string out = "running since " + time_with_zone(facts.since) + ", process " +
                    std::to_string(facts.process) + ", " + facts.file + loaded_text(facts, now);
  if (facts.restarts) out += "; the worker was restarted " + counted(facts.restarts, "time");
  if (longest_round.took > Nanoseconds(0))
    out += "; the loop's longest round took " + round_ms(longest_round.took) + " ms, at " +
           clock_text(longest_round.ended, now);
  out += '\n' + account.text();
  for (const auto& line : remarks(now)) out += "  " + line + '\n';
  for (const auto& relay : relays)
    out += "  " + relay.source + " -> " + relay.output +
           (relay.refused ? ": every byte is copied, for " + *relay.refused
                          : ": " + counted(relay.bytes, "byte") + " went by reference") +
           '\n';
  return out;
}

control::Glance Report::glance(Nanoseconds now, Nanoseconds at) const {
  control::Glance g;
  g.file = facts.file;
  g.began = facts.since;
  g.loaded = facts.loaded == Nanoseconds(0) ? facts.since : facts.loaded;
  g.written = written_at(facts.place.empty() ? facts.file : facts.place);
  const bool is_compared = facts.loaded != Nanoseconds(0);  // what lies there with what was read
  if (g.written && is_compared && !facts.changed_on_disk)
    g.written = std::min(*g.written, g.loaded);
  if (g.written && is_compared && facts.changed_on_disk)
    g.written = std::max(*g.written, g.loaded + std::chrono::seconds(1));
  g.restarts = facts.restarts;
  g.at = at;
  for (const auto& s : account.sources)
    g.sources.push_back(
        {s.name, s.counters.accepted, s.counters.unmatched, s.counters.unmatched_taken});
  std::array<std::uint64_t, deliver::kReasons> dropped{};
  for (const auto& l : account.lines) {
    const auto& t = l.tally;
    auto& d = g.deliveries.emplace_back(
        control::GlanceDelivery{l.source, l.handler, t.matched, t.delivered, t.filtered,
                                t.dropped_sum(), t.dead_lettered, l.saved});
    if (l.oldest)
      d.age = std::max(now - Nanoseconds(static_cast<std::int64_t>(*l.oldest)), Nanoseconds(0));
    if (l.latency) d.latency = {l.latency->p50, l.latency->p99};
    for (std::size_t r = 0; r < dropped.size(); ++r) dropped[r] += t.dropped[r];
  }
  for (std::size_t r = 0; r < dropped.size(); ++r)
    if (dropped[r])
      g.dropped.push_back(
          {std::string(deliver::reason_name(static_cast<deliver::Reason>(r))), dropped[r]});
  for (const auto& line : remarks(now)) g.notes.push_back(line);
  return g;
}

// What is not as it should be, and what plugins have in hand, a sentence each.
std::vector<std::string> Report::remarks(Nanoseconds now) const {
  std::vector<std::string> lines;
  for (const auto& source : sources)
    if (source.state.kind != SourceState::Kind::serving)
      lines.push_back("source " + source.name + " is " + source_text(source.state, now));
  for (const auto& handler : handlers)
    if (const auto text = handler_text(handler.state); !text.empty())
      lines.push_back((handler.is_source ? "source " : "handler ") + handler.name + " is " + text);
  for (const auto& handler : handlers)
    if (const auto text = taken_text(handler.state); !text.empty())
      lines.push_back("handler " + handler.name + ' ' + text);
  for (const auto& queue : queues)
    if (queue.overflows_since)
      lines.push_back(overflow_text(queue, now));
    else if (!queue.stuck.empty())
      lines.push_back("the queue " + queue.source + " -> " + queue.handler + " in " + queue.folder +
                      " takes no more: " + queue.stuck);
  return lines;
}

std::string Report::json() const {
  std::string states;
  for (const auto& handler : handlers)
    states +=
        (states.empty() ? "" : ",") + json_string(handler.name) + ':' + handler_json(handler.state);
  std::string sources_json;
  for (const auto& source : sources)
    sources_json += (sources_json.empty() ? "" : ",") + json_string(source.name) + ':' +
                    state_json(source.state);
  std::string relayed;
  for (const auto& relay : relays)
    relayed += (relayed.empty() ? "" : ",") + ("{\"source\":" + json_string(relay.source)) +
               ",\"output\":" + json_string(relay.output) +
               ",\"bytes\":" + std::to_string(relay.bytes) +
               ",\"refused\":" + (relay.refused ? json_string(*relay.refused) : "null") + '}';
  return "{\"since\":" + json_string(utc_text(facts.since)) +
         ",\"file\":" + json_string(facts.file) + ",\"process\":" + std::to_string(facts.process) +
         ",\"loaded\":" + json_string(utc_text(facts.loaded)) +
         ",\"generation\":" + std::to_string(facts.generation) +
         ",\"changed_on_disk\":" + (facts.changed_on_disk ? "true" : "false") +
         ",\"restarts\":" + std::to_string(facts.restarts) +
         ",\"longest_round\":" + longest_round_json(longest_round) + ",\"source_states\":{" +
         sources_json + "},\"handlers\":{" + states + "},\"overflows\":{" + json_of(queues, true) +
         "},\"queues\":{" + json_of(queues, false) + "},\"relays\":[" + relayed + "]," +
         account.json().substr(1);
}

std::string answer(std::string_view request, const Hub& hub, const Facts& facts) {
  const auto& clock = hub.clock();
  const auto report = [&](Hub::InFlight how) { return report_of(hub, facts, how); };
  if (request == "stats") return report(Hub::InFlight::counted).text(clock.wall());
  if (request == "stats json") return report(Hub::InFlight::counted).json();
  if (request == "glance")
    return report(Hub::InFlight::left).glance(clock.wall(), clock.steady()).text();
  if (request == "glance json") return report(Hub::InFlight::left).json();
  throw Failure("this hub does not know the request " + quoted(request) +
                " (requests: stats, stats json, glance, glance json)");
}

}  // namespace standpipe::worker
