// SPDX-License-Identifier: Apache-2.0
#include "cli/explain_report.h"

#include <standpipe/plugin.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/text.h"
#include "cli/show.h"
#include "deliver/options.h"

namespace standpipe::cli {
namespace {

using Lines = std::vector<std::string>;

// A long reason does not push the places of all others aside.
constexpr std::size_t kReasonWidth = 44;

std::size_t widest(const Lines& texts) {
  std::size_t width = 0;
  for (const auto& text : texts) width = std::max(width, display_width(text));
  return width;
}

// "billing (forward, /run/billing/in)"
std::string handler_text(const deliver::HandlerOptions& handler) {
  auto text = handler.name + " (" + handler.plugin->name;
  for (const auto& value : handler.values)
    if (value.type == STANDPIPE_PATH && !value.text.empty()) text += ", " + printable(value.text);
  return text + ')';
}

// What a handler makes of messages is not known here.
std::string emitting_text(const config::HubOptions& hub, std::size_t handler) {
  for (const auto& source : hub.sources)
    if (source.origin == source::Origin::handler && source.from == handler)
      return "          what it emits goes on by its own routes: explain --source " + source.name +
             '\n';
  return {};
}

// The routes of one message, and which handlers each of them reached first.
class RouteLines {
 public:
  RouteLines(const config::HubOptions& hub, const match::Explanation& explanation)
      : hub_(hub), explanation_(explanation) {
    for (const auto& route : explanation.routes) {
      names_.push_back(printable(route.name));
      reasons_.push_back(reason_of(route));
    }
    name_width_ = widest(names_);
    reason_width_ = std::min(widest(reasons_), kReasonWidth);
  }

  std::string text() {
    std::string text;
    for (std::size_t i = 0; i < explanation_.routes.size(); ++i) text += line(i);
    return text;
  }

 private:
  std::string reason_of(const match::Explanation::Route& route) const {
    if (route.reached) return route.reason;
    const auto& by = explanation_.routes[*explanation_.stopped_by];
    return "not tried: '" + printable(by.name) + "' is final";
  }

  std::string line(std::size_t number) {
    const auto& route = explanation_.routes[number];
    const char* answer = route.matched ? "yes" : route.reached ? "no " : "-- ";
    auto text = "  " + std::string(answer) + "  " + padded(names_[number], name_width_) + "  ";
    const auto place = route.reached ? route.place.text() : "";
    text += (place.empty() ? reasons_[number]
                           : padded(reasons_[number], reason_width_) + "  " + place) +
            '\n';
    if (route.matched) text += handlers_of(route.number);
    return text;
  }

  std::string handlers_of(std::size_t route) {
    std::string text;
    for (const auto handler : hub_.routes[route].to) {
      const bool again = !told_.insert(handler).second;
      text += "       -> " + handler_text(hub_.handlers[handler]) +
              (again ? ", which has it already" : "") + '\n';
      if (!again) text += emitting_text(hub_, handler);
    }
    return text;
  }

  const config::HubOptions& hub_;
  const match::Explanation& explanation_;
  Lines names_, reasons_;
  std::size_t name_width_ = 0, reason_width_ = 0;
  std::set<std::size_t> told_;  // handlers
};

std::string json_route(const match::Explanation::Route& route) {
  return "{\"route\":" + json_string(route.name) +
         ",\"reached\":" + (route.reached ? "true" : "false") +
         ",\"matched\":" + (route.matched ? "true" : "false") +
         ",\"reason\":" + json_string(route.reason) +
         ",\"place\":" + json_string(route.place.text()) + '}';
}

}  // namespace

std::string explanation_text(const config::HubOptions& hub, std::size_t source,
                             const match::Explanation& explanation) {
  auto text = padded("source " + hub.sources[source].name, 27) + "  " + explanation.payload + '\n';
  text += RouteLines(hub, explanation).text();
  if (explanation.routes.empty()) text += "  no route takes messages from this source\n";
  if (!explanation.unmatched) return text;
  text += "  no route wants it\n       -> ";
  if (!hub.unmatched) return text + "dropped and counted (no_route)\n";
  return text + handler_text(hub.handlers[*hub.unmatched]) + ", as unmatched\n" +
         emitting_text(hub, *hub.unmatched);
}

std::string explanation_json(const config::HubOptions& hub, std::size_t source,
                             const match::Explanation& explanation, std::uint64_t offset) {
  Lines routes, handlers;
  for (const auto& route : explanation.routes) routes.push_back(json_route(route));
  for (const auto handler : explanation.handlers)
    handlers.push_back(json_string(hub.handlers[handler].name));
  return "{\"source\":" + json_string(hub.sources[source].name) +
         ",\"offset\":" + std::to_string(offset) +
         ",\"payload\":" + json_string(explanation.payload) + ",\"routes\":[" +
         joined(routes, ",") + "],\"unmatched\":" + (explanation.unmatched ? "true" : "false") +
         ",\"handlers\":[" + joined(handlers, ",") + "]}\n";
}

std::string fault_lines(const config::HubOptions& hub, std::size_t source,
                        const rehearsal::StreamFault& fault) {
  const auto& options = hub.sources[source];
  auto text = padded("source " + options.name, 27) + "  " +
              std::string(config::name_of(fault.fate)) + " at byte " + thousands(fault.offset + 1) +
              '\n';
  text += "  " + rehearsal::fault_text(fault, options.message_size_max) + '\n';
  return fault.note.empty() ? text : text + "  " + fault.note + '\n';
}

std::string fault_json(const config::HubOptions& hub, std::size_t source,
                       const rehearsal::StreamFault& fault) {
  const auto& options = hub.sources[source];
  return "{\"source\":" + json_string(options.name) +
         ",\"offset\":" + std::to_string(fault.offset) +
         ",\"fault\":" + json_string(config::name_of(fault.fate)) +
         ",\"bytes\":" + std::to_string(fault.bytes) +
         ",\"text\":" + json_string(rehearsal::fault_text(fault, options.message_size_max)) +
         ",\"note\":" + json_string(fault.note) + "}\n";
}

}  // namespace standpipe::cli
