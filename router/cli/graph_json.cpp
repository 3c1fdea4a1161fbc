// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/graph_model.h"

namespace standpipe::cli {
namespace {

std::string json_bool(bool is) { return is ? "true" : "false"; }

template <class Items, class Text>
std::string json_list_of(const Items& items, Text text) {
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ",") + text(item);
  return '[' + list + ']';
}

// The names of those sources or handlers.
template <class Named>
std::string json_names(const std::vector<Named>& all, const std::vector<std::size_t>& numbers) {
  return json_list_of(numbers, [&](std::size_t number) { return json_string(all[number].name); });
}

std::string text_or_null(const std::string& text) {
  return text.empty() ? "null" : json_string(text);
}

std::string source_json(const Graph::Source& source) {
  return "{\"name\":" + json_string(source.name) + ",\"fifo\":" + text_or_null(source.path) +
         ",\"plugin\":" + text_or_null(source.plugin) +
         ",\"emitted\":" + json_bool(source.handler.has_value()) +
         ",\"policy\":" + json_string(source.policy) + ",\"routed\":" + json_bool(source.routed) +
         ",\"may_be_unmatched\":" + json_bool(source.may_be_unmatched) + '}';
}

std::string route_json(const Graph& graph, const Graph::Route& route) {
  return "{\"name\":" + json_string(route.name) +
         ",\"from\":" + json_names(graph.sources, route.from) +
         ",\"condition\":" + json_string(route.condition) +
         ",\"to\":" + json_names(graph.handlers, route.to) +
         ",\"final\":" + json_bool(route.final) +
         ",\"hidden_by\":" + (route.hidden_by ? json_string(*route.hidden_by) : "null") + '}';
}

std::string handler_json(const Graph& graph, const Graph::Handler& handler) {
  const auto text = [](const std::string& path) { return json_string(path); };
  return "{\"name\":" + json_string(handler.name) + ",\"plugin\":" + text_or_null(handler.plugin) +
         ",\"paths\":" + json_list_of(handler.paths, text) +
         ",\"policy\":" + json_string(handler.policy) + ",\"used\":" + json_bool(handler.used) +
         ",\"feeds\":" + json_names(graph.sources, handler.feeds) +
         ",\"emits\":" + json_bool(handler.emits.has_value()) + '}';
}

}  // namespace

std::string graph_json(const Graph& graph) {
  const auto route = [&](const Graph::Route& r) { return route_json(graph, r); };
  const auto handler = [&](const Graph::Handler& h) { return handler_json(graph, h); };
  return "{\"sources\":" + json_list_of(graph.sources, source_json) +
         ",\"routes\":" + json_list_of(graph.routes, route) +
         ",\"handlers\":" + json_list_of(graph.handlers, handler) + ",\"unmatched\":" +
         (graph.unmatched ? json_string(graph.handlers[*graph.unmatched].name) : "null") + "}\n";
}

}  // namespace standpipe::cli
