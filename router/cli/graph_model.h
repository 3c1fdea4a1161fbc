// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/hub_options.h"

namespace standpipe::cli {

// A configuration's topology in words, as every format of `graph` shows it. Texts are those of the
// configuration: whoever prints them makes them safe for where they go.
struct Graph {
  struct Source {
    std::string name;
    // What its messages come from, one of:
    std::string path;                    // a FIFO
    std::string plugin;                  // a source plugin
    std::optional<std::size_t> handler;  // that emits them, and has the same name
    std::string policy;                  // "length_prefixed, messages up to 16MiB; ..."
    bool may_be_unmatched;               // some of its messages may have no route
    bool routed;                         // some route takes its messages
  };
  struct Route {
    std::string name;
    std::string condition;  // "everything", or what must hold
    std::vector<std::size_t> from, to;
    bool final;
    std::optional<std::string> hidden_by;  // the route because of which no message gets to this one
  };
  struct Handler {
    std::string name, plugin;               // none: where unmatched messages are kept
    std::vector<std::string> paths;         // that its options name
    std::string policy;                     // what becomes of messages on which it fails
    bool used;                              // some message may get to it
    std::vector<std::size_t> feeds;         // sources whose FIFO it writes into
    std::optional<std::size_t> emits = {};  // the source that it is
  };
  std::vector<Source> sources;
  std::vector<Route> routes;
  std::vector<Handler> handlers;
  std::optional<std::size_t> unmatched;  // the handler that gets what no route wants
};

Graph graph_of(const config::HubOptions& hub);

// For terminals: each source with its routes in their order, then each handler.
std::string graph_text(const Graph& graph);
std::string graph_mermaid(const Graph& graph);
std::string graph_dot(const Graph& graph);
// One object on one line, for programs: a route's ends are names.
std::string graph_json(const Graph& graph);

}  // namespace standpipe::cli
