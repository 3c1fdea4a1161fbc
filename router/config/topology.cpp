// SPDX-License-Identifier: Apache-2.0
#include "config/topology.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "config/file_key.h"
#include "config/names.h"
#include "config/reach.h"
#include "match/pattern_cost.h"
#include "match/rule_text.h"

namespace standpipe::config {
namespace {

std::string named_at(const Context& context, const Spot& spot) {
  return context.mistakes.documents().position(spot);
}

void warn(Context& context, const Spot& spot, std::string code, std::string message,
          std::string label) {
  context.mistakes.add(spot, {.severity = Severity::warning,
                              .code = std::move(code),
                              .message = std::move(message),
                              .label = std::move(label)});
}

// The first source of each FIFO.
std::map<FileKey, std::size_t> check_sources(Context& context, const Sources& sources) {
  std::map<FileKey, std::size_t> readers;
  for (std::size_t i = 0; i < sources.options.size(); ++i) {
    const auto& source = sources.options[i];
    if (source.path.empty()) continue;  // no FIFO, or a mistake that was reported
    const auto [at, is_new] = readers.emplace(file_key(source.path), i);
    if (is_new) continue;
    const auto& first = sources.options[at->second];
    Diagnostic d{.code = "duplicate-fifo", .message = "two sources read one FIFO"};
    d.label =
        "source '" + shown(first.name) + "' does already; send it to several handlers by routes";
    d.notes.push_back(shown(source.path) + " is the same FIFO as " + shown(first.path) + ", at " +
                      named_at(context, sources.fifo[at->second]));
    context.mistakes.add(sources.fifo[i], std::move(d));
  }
  return readers;
}

void warn_of_hidden(Context& context, const HubOptions& hub, const Reach& reach,
                    const Routes& routes) {
  for (std::size_t r = 0; r < hub.routes.size(); ++r) {
    if (!reach.hidden_by[r]) continue;
    const auto& by = hub.routes[*reach.hidden_by[r]];
    Diagnostic d{.severity = Severity::warning,
                 .code = "unreachable-route",
                 .message = "no message gets to '" + shown(hub.routes[r].name) + "'"};
    d.label = "'" + shown(by.name) + "' is final and takes " +
              (by.rule.empty() ? "everything" : "all of them") + " before";
    d.notes.push_back(
        "'" + shown(by.name) + "' is at " + named_at(context, routes.spots[*reach.hidden_by[r]]) +
        (by.rule.empty() ? ", and has no condition" : ", and wants: " + match::rule_text(by.rule)));
    context.mistakes.add(routes.spots[r], std::move(d));
  }
}

void warn_of_unused_sources(Context& context, const HubOptions& hub, const Sources& sources) {
  std::vector<bool> from(hub.sources.size());
  for (const auto& route : hub.routes)
    for (const auto source : route.from) from[source] = true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Mistakes::Part part(context.mistakes, hub.sources[i].name);
    if (!from[i] && !hub.unmatched && !hub.keeps_unmatched)
      warn(context, sources.names.spot(i), "unused-source",
           "no route takes messages from '" + hub.sources[i].name + "'", "all of them are dropped");
  }
}

void warn_of_unused_handlers(Context& context, const HubOptions& hub, const Reach& reach,
                             const Handlers& handlers) {
  std::vector<bool> to(hub.handlers.size());
  for (const auto& route : hub.routes)
    for (const auto handler : route.to) to[handler] = true;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (reach.handlers[i]) continue;
    const auto& name = hub.handlers[i].name;
    const Mistakes::Part part(context.mistakes, name);
    const auto message = to[i] ? "no message gets to '" + name + "'"
                         : hub.unmatched == i
                             ? "every message has a route, so none is left for '" + name + "'"
                             : "no route leads to '" + name + "'";
    warn(context, handlers.names.spot(i), "unused-handler", message,
         to[i] ? "only routes that none gets to lead to it" : "it gets nothing");
  }
}

// Below what a source affords, in whole KiB where there are any: as a key's value.
std::string size_within(const match::PatternCost& cost) {
  const auto bytes = std::max<std::uint64_t>(cost.bytes_max(), 1);
  return bytes < KiB ? std::to_string(bytes) + "B" : std::to_string(bytes / KiB) + "KiB";
}

void warn_of_slow_patterns(Context& context, const source::SourceOptions& source, const Spot& spot,
                           const match::PatternCost& cost) {
  const auto largest = std::min(source.match_max, source.message_size_max);
  if (cost.bytes_max() >= largest) return;
  const Mistakes::Part part(context.mistakes, source.name);
  const auto& pattern = *cost.slowest();
  Diagnostic d{.severity = Severity::warning,
               .code = "slow-pattern",
               .message = "patterns that may be slow are not tried on payloads of '" +
                          shown(source.name) + "' above " + thousands(cost.bytes_max()) + " bytes"};
  d.label = "payloads of up to " + size_text(largest) +
            " are looked into; if none is as long, say  match_max: " + size_within(cost) + "  here";
  d.notes.push_back(pattern.place.text() + " may take " + thousands(pattern.regex->steps()) +
                    " steps for a byte: " + pattern.subject_text() + " " + pattern.wanted_text() +
                    "; repeat less in it");
  context.mistakes.add(spot, std::move(d));
}

}  // namespace

void check_one_namespace(Context& context, const Sources& sources, const Handlers& handlers) {
  for (std::size_t i = 0; i < handlers.options.size(); ++i) {
    const auto source = sources.names.find(handlers.options[i].name);
    if (!source || sources.options[*source].origin == source::Origin::handler) continue;
    const Mistakes::Part part(context.mistakes, handlers.options[i].name);
    context.error(handlers.names.spot(i), "duplicate-name",
                  "a source and a handler are called '" + shown(handlers.options[i].name) + "'",
                  "the source is at " + named_at(context, sources.names.spot(*source)) +
                      "; rename one of them");
  }
}

void check_fifos(Context& context, const Sources& sources, const Handlers& handlers) {
  const auto readers = check_sources(context, sources);
  for (const auto& path : context.given_paths) {
    const auto handler = handlers.names.find(path.handler);
    if (!handler || handlers.allow_loop[*handler]) continue;
    const auto at = readers.find(file_key(path.path));
    if (at == readers.end()) continue;
    const auto& source = sources.options[at->second];
    Diagnostic d{.code = "loop",
                 .message = "handler '" + shown(path.handler) +
                            "' writes into the FIFO that source '" + shown(source.name) +
                            "' reads"};
    d.label = "name another FIFO, or say  allow_loop: true  on the handler if it is meant";
    d.notes.push_back("what it writes comes in again as messages of '" + shown(source.name) +
                      "', at " + named_at(context, sources.fifo[at->second]));
    if (path.path != source.path) d.notes.push_back(shown(path.path) + " is the same FIFO");
    context.mistakes.add(path.spot, std::move(d));
  }
}

void warn_of_unreachable(Context& context, const HubOptions& hub, const Sources& sources,
                         const Handlers& handlers, const Routes& routes) {
  const auto reach = reach_of(hub);
  warn_of_unused_sources(context, hub, sources);
  warn_of_hidden(context, hub, reach, routes);
  warn_of_unused_handlers(context, hub, reach, handlers);
}

void warn_of_slow_patterns(Context& context, const HubOptions& hub, const Sources& sources) {
  std::vector<std::vector<const match::RouteOptions*>> routes(hub.sources.size());
  for (const auto& route : hub.routes)
    for (const auto source : route.from) routes[source].push_back(&route);
  for (std::size_t i = 0; i < routes.size(); ++i)
    warn_of_slow_patterns(context, hub.sources[i], sources.names.spot(i),
                          match::PatternCost(routes[i]));
}

}  // namespace standpipe::config
