// SPDX-License-Identifier: Apache-2.0
#include "worker/report.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/failure.h"
#include "base/text.h"
#include "worker/hub.h"

namespace standpipe::worker {
namespace {

std::time_t seconds_of(Nanoseconds wall) { return std::chrono::duration_cast<std::chrono::seconds>(wall).count(); }

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
std::string time_with_zone(Nanoseconds wall) { return formatted("%Y-%m-%d %H:%M:%S %z", local_time(wall)); }

std::string utc_text(Nanoseconds wall) {
  const auto seconds = seconds_of(wall);
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  return formatted("%Y-%m-%dT%H:%M:%SZ", time);
}

constexpr Nanoseconds kCallIsSaid = std::chrono::seconds(1);

// "held: no route to db", "ready, in one call of handle since 25 s"; empty: there is nothing to be said.
std::string handler_text(const deliver::HandlerState& state) {
  std::string text;
  if (state.name != "ready") text = std::string(state.name) + (state.reason.empty() ? "" : ": " + state.reason);
  if (state.in_call < kCallIsSaid) return text;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(state.in_call).count();
  return (text.empty() ? std::string(state.name) : text) + ", in one call of " + std::string(state.phase) + " since " +
         std::to_string(seconds) + " s";
}

std::string handler_json(const deliver::HandlerState& state) {
  std::string json = "{\"state\":" + json_string(state.name);
  if (!state.reason.empty()) json += ",\"reason\":" + json_string(state.reason);
  if (!state.phase.empty()) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(state.in_call).count();
    json += ",\"in_call\":" + json_string(state.phase) + ",\"in_call_ms\":" + std::to_string(ms);
  }
  return json + '}';
}

std::string source_text(const SourceState& state, Nanoseconds now) {
  std::string text(name_of(state.kind));
  if (state.since) text += " since " + clock_text(*state.since, now);
  if (!state.reason.empty()) text += ": " + state.reason;
  return text + '\n';
}

std::string state_json(const SourceState& state) {
  std::string json = "{\"state\":" + json_string(name_of(state.kind));
  if (state.since) json += ",\"since\":" + json_string(utc_text(*state.since));
  if (!state.reason.empty()) json += ",\"reason\":" + json_string(state.reason);
  if (state.discarded_bytes) json += ",\"discarded_bytes\":" + std::to_string(*state.discarded_bytes);
  return json + '}';
}

std::string overflow_text(const Hub::OverflowState& overflow, Nanoseconds now) {
  const auto& state = overflow.state;
  return "  source " + overflow.source + " has " + counted(state.messages, "message") + " for held handlers in " + state.path +
         " since " + clock_text(state.since, now) + ": " + thousands(state.bytes) + " of at most " + size_text(state.max) +
         (state.stuck.empty() ? "" : ", and takes no more (" + state.stuck + ")") + "; the next start delivers them\n";
}

std::string overflow_json(const Hub::OverflowState& overflow) {
  const auto& state = overflow.state;
  return json_string(overflow.source) + ":{\"path\":" + json_string(state.path) +
         ",\"messages\":" + std::to_string(state.messages) + ",\"bytes\":" + std::to_string(state.bytes) +
         ",\"max_bytes\":" + std::to_string(state.max) + ",\"since\":" + json_string(utc_text(state.since)) +
         ",\"stuck\":" + (state.stuck.empty() ? "null" : json_string(state.stuck)) + '}';
}

Report report_of(const Hub& hub, const Facts& facts) {
  Report report{.facts = facts, .handlers = {}, .relays = hub.relays(), .account = hub.account()};
  for (const auto& inlet : hub.inlets()) report.sources.push_back({inlet->name(), inlet->state()});
  report.overflows = hub.overflows();
  for (const auto& handler : hub.handlers()) report.handlers.push_back({handler->name(), handler->state(hub.clock().steady())});
  return report;
}

}  // namespace

std::string Report::text(Nanoseconds now) const {
  std::string out =
      "running since " + time_with_zone(facts.since) + ", process " + std::to_string(facts.process) + ", " + facts.file;
  if (facts.restarts) out += "; the worker was restarted " + counted(facts.restarts, "time");
  out += '\n' + account.text();
  for (const auto& source : sources)
    if (source.state.kind != SourceState::Kind::serving) out += "  source " + source.name + " is " + source_text(source.state, now);
  for (const auto& handler : handlers)
    if (const auto text = handler_text(handler.state); !text.empty()) out += "  handler " + handler.name + " is " + text + '\n';
  for (const auto& overflow : overflows) out += overflow_text(overflow, now);
  for (const auto& relay : relays)
    out += "  " + relay.source + " -> " + relay.output +
           (relay.refused ? ": every byte is copied, for " + *relay.refused
                          : ": " + counted(relay.bytes, "byte") + " went by reference") +
           '\n';
  return out;
}

std::string Report::json() const {
  std::string states;
  for (const auto& handler : handlers)
    states += (states.empty() ? "" : ",") + json_string(handler.name) + ':' + handler_json(handler.state);
  std::string sources_json;
  for (const auto& source : sources)
    sources_json += (sources_json.empty() ? "" : ",") + json_string(source.name) + ':' + state_json(source.state);
  std::string held_back;
  for (const auto& overflow : overflows) held_back += (held_back.empty() ? "" : ",") + overflow_json(overflow);
  std::string relayed;
  for (const auto& relay : relays)
    relayed += (relayed.empty() ? "" : ",") + ("{\"source\":" + json_string(relay.source)) +
               ",\"output\":" + json_string(relay.output) + ",\"bytes\":" + std::to_string(relay.bytes) +
               ",\"refused\":" + (relay.refused ? json_string(*relay.refused) : "null") + '}';
  return "{\"since\":" + json_string(utc_text(facts.since)) + ",\"file\":" + json_string(facts.file) +
         ",\"process\":" + std::to_string(facts.process) + ",\"restarts\":" + std::to_string(facts.restarts) +
         ",\"source_states\":{" + sources_json + "},\"handlers\":{" + states + "},\"overflows\":{" + held_back + "},\"relays\":[" +
         relayed + "]," + account.json().substr(1);
}

std::string answer(std::string_view request, const Hub& hub, const Facts& facts) {
  if (request == "stats") return report_of(hub, facts).text(hub.clock().wall());
  if (request == "stats json") return report_of(hub, facts).json();
  throw Failure("this hub does not know the request " + quoted(request) + " (requests: stats, stats json)");
}

}  // namespace standpipe::worker
