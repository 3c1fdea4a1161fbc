// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "cli/graph_model.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

std::string names_of(const Graph& graph, const std::vector<std::size_t>& handlers) {
  std::vector<std::string> names;
  for (const auto handler : handlers) names.push_back(graph.handlers[handler].name);
  return joined(names, ", ");
}

bool is_from(const Graph::Route& route, std::size_t source) {
  return std::find(route.from.begin(), route.from.end(), source) != route.from.end();
}

std::string route_text(const Graph& graph, const Graph::Route& route) {
  auto text = "  " + printable(route.name) + ": " + printable(route.condition) +
              (route.final ? "  (final)" : "") + "\n    -> " + names_of(graph, route.to) + '\n';
  if (route.hidden_by)
    text += "    UNREACHABLE: '" + printable(*route.hidden_by) + "' takes all of it before\n";
  return text;
}

// What becomes of a source's messages.
std::string routes_text(const Graph& graph, std::size_t number) {
  const auto& source = graph.sources[number];
  auto text = "  (" + source.policy + ")\n";
  for (const auto& route : graph.routes)
    if (is_from(route, number)) text += route_text(graph, route);
  if (!source.may_be_unmatched) return text;
  return text + "  unmatched\n    -> " +
         (graph.unmatched ? graph.handlers[*graph.unmatched].name : "dropped and counted") + '\n';
}

std::string source_text(const Graph& graph, std::size_t number) {
  const auto& source = graph.sources[number];
  const auto from = source.plugin.empty() ? printable(source.path) : "plugin " + source.plugin;
  return source.name + "  " + from + '\n' + routes_text(graph, number);
}

std::string handler_text(const Graph& graph, const Graph::Handler& handler) {
  auto text = handler.name + (handler.plugin.empty() ? "" : "  " + handler.plugin);
  for (const auto& path : handler.paths) text += ' ' + printable(path);
  text += "\n  (" + handler.policy + ")\n";
  for (const auto source : handler.feeds)
    text += "    -> comes in again at " + graph.sources[source].name + '\n';
  if (!handler.used) text += "    UNUSED: no message gets to it\n";
  if (handler.emits) text += "  and emits messages\n" + routes_text(graph, *handler.emits);
  return text;
}

}  // namespace

std::string graph_text(const Graph& graph) {
  std::string text = "SOURCES\n";
  for (std::size_t i = 0; i < graph.sources.size(); ++i)
    if (!graph.sources[i].handler) text += source_text(graph, i);
  text += "\nHANDLERS\n";
  for (const auto& handler : graph.handlers) text += handler_text(graph, handler);
  return text;
}

}  // namespace standpipe::cli
