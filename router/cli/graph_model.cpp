// SPDX-License-Identifier: Apache-2.0
#include "cli/graph_model.h"

#include <standpipe/plugin.h>

#include "base/text.h"
#include "config/reach.h"
#include "deliver/options.h"
#include "match/rule_text.h"
#include "source/options.h"

namespace standpipe::cli {
namespace {

std::string policy_of(const source::SourceOptions& source) {
  const bool is_fifo = source.origin == source::Origin::fifo;
  const auto* waits = is_fifo                                    ? "writers wait"
                      : source.origin == source::Origin::handler ? "its handler waits"
                                                                 : "its plugin waits";
  return (is_fifo ? "length_prefixed, " : "") +
         ("messages up to " + size_text(source.message_size_max)) + "; log of " +
         size_text(source.log_size_max) + ", then " + waits;
}

Graph::Source source_of(const config::HubOptions& hub, std::size_t number, bool may_be_unmatched) {
  const auto& source = hub.sources[number];
  const bool is_handler = source.origin == source::Origin::handler;
  const bool is_plugin = source.origin == source::Origin::plugin;
  return {.name = source.name,
          .path = source.path,
          .plugin = is_plugin ? hub.source_plugins[source.from].plugin->name : "",
          .handler = is_handler ? std::optional(source.from) : std::nullopt,
          .policy = policy_of(source),
          .may_be_unmatched = may_be_unmatched,
          .routed = false};
}

std::string policy_of(const deliver::HandlerOptions& handler) {
  const std::string failed = handler.dead_letter ? "dead-lettered" : "dropped";
  auto policy = handler.attempts_max == 0
                    ? "tried without end; " + failed + " when rejected"
                    : counted(handler.attempts_max, "attempt") + ", then " + failed;
  if (handler.timeout.count() > 0) policy += "; a call may take " + duration_text(handler.timeout);
  return policy;
}

// Where `unmatched: dead_letter` leads is no handler of the configuration.
Graph::Handler letters_of_unmatched(const std::string& name, bool used) {
  return {.name = name,
          .plugin = {},
          .paths = {},
          .policy = "kept in the data folder, with the reason no_route",
          .used = used,
          .feeds = {}};
}

Graph::Handler handler_of(const config::HubOptions& hub, std::size_t number, bool used) {
  const auto& options = hub.handlers[number];
  if (hub.keeps_unmatched && hub.unmatched == number)
    return letters_of_unmatched(options.name, used);
  Graph::Handler handler{.name = options.name,
                         .plugin = options.plugin->name,
                         .paths = {},
                         .policy = policy_of(options),
                         .used = used,
                         .feeds = {}};
  for (const auto& value : options.values) {
    if (value.type != STANDPIPE_PATH || value.text.empty()) continue;
    handler.paths.push_back(value.text);
    for (std::size_t s = 0; s < hub.sources.size(); ++s)
      if (hub.sources[s].path == value.text) handler.feeds.push_back(s);
  }
  return handler;
}

}  // namespace

Graph graph_of(const config::HubOptions& hub) {
  const auto reach = config::reach_of(hub);
  Graph graph;
  graph.unmatched = hub.unmatched;
  for (std::size_t i = 0; i < hub.sources.size(); ++i)
    graph.sources.push_back(source_of(hub, i, reach.unmatched[i]));
  for (std::size_t i = 0; i < hub.routes.size(); ++i) {
    const auto& route = hub.routes[i];
    const auto by = reach.hidden_by[i];
    for (const auto source : route.from) graph.sources[source].routed = true;
    graph.routes.push_back({route.name, match::rule_text(route.rule), route.from, route.to,
                            route.final, by ? std::optional(hub.routes[*by].name) : std::nullopt});
  }
  for (std::size_t i = 0; i < hub.handlers.size(); ++i)
    graph.handlers.push_back(handler_of(hub, i, reach.handlers[i]));
  for (std::size_t i = 0; i < graph.sources.size(); ++i)
    if (const auto handler = graph.sources[i].handler) graph.handlers[*handler].emits = i;
  return graph;
}

}  // namespace standpipe::cli
