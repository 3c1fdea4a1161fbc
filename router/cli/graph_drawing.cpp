// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <string_view>

#include "base/text.h"
#include "cli/graph_model.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

// What differs between two languages for drawings.
struct Language {
  std::string (*quoted)(const std::string& line);
  const char* line_break;
};

std::string replaced(std::string_view text, std::string_view special,
                     const std::vector<std::string_view>& instead) {
  std::string out;
  for (const char c : printable(text)) {
    const auto at = special.find(c);
    if (at == special.npos)
      out += c;
    else
      out += instead[at];
  }
  return out;
}

// Graphviz reads names of characters as in HTML, so that `&lt;` would be drawn as `<`.
std::string in_dot(const std::string& line) {
  return replaced(line, "\"\\&", {"\\\"", "\\\\", "&amp;"});
}

// Mermaid has its own names for characters; in a label in quotes these four mean something.
std::string in_mermaid(const std::string& line) {
  return replaced(line, "\"<>#&", {"#quot;", "#lt;", "#gt;", "#35;", "#amp;"});
}

constexpr Language kDot = {in_dot, "\\n"};
constexpr Language kMermaid = {in_mermaid, "<br>"};

std::string label(const Language& language, const std::vector<std::string>& lines) {
  std::vector<std::string> quoted;
  for (const auto& line : lines)
    if (!line.empty()) quoted.push_back(language.quoted(line));
  return '"' + joined(quoted, language.line_break) + '"';
}

std::vector<std::string> lines_of(const Graph::Source& source) {
  return {source.name, source.path, source.plugin.empty() ? "" : "plugin " + source.plugin,
          source.policy};
}

std::vector<std::string> lines_of(const Graph::Route& route) {
  return {route.name, route.condition, route.final ? "final" : "",
          route.hidden_by ? "unreachable: '" + *route.hidden_by + "' takes all of it before" : ""};
}

std::vector<std::string> lines_of(const Graph::Handler& handler) {
  std::vector<std::string> lines{handler.name, handler.plugin};
  lines.insert(lines.end(), handler.paths.begin(), handler.paths.end());
  lines.push_back(handler.policy);
  lines.emplace_back(handler.used ? "" : "unused: no message gets to it");
  return lines;
}

std::string id(char kind, std::size_t number) { return kind + std::to_string(number); }

// A handler that emits is the source of what it emits.
std::string source_id(const Graph& graph, std::size_t source) {
  const auto handler = graph.sources[source].handler;
  return handler ? id('h', *handler) : id('s', source);
}

// Calls `edge(from, to, style)` for each; style: "", "emitted", "unmatched" or "loop".
void for_edges(const Graph& graph,
               const std::function<void(std::string, std::string, std::string_view)>& edge) {
  for (std::size_t r = 0; r < graph.routes.size(); ++r) {
    for (const auto source : graph.routes[r].from)
      edge(source_id(graph, source), id('r', r), graph.sources[source].handler ? "emitted" : "");
    for (const auto handler : graph.routes[r].to) edge(id('r', r), id('h', handler), "");
  }
  for (std::size_t s = 0; s < graph.sources.size(); ++s)
    if (graph.sources[s].may_be_unmatched)
      edge(source_id(graph, s), graph.unmatched ? id('h', *graph.unmatched) : "dropped",
           "unmatched");
  for (std::size_t h = 0; h < graph.handlers.size(); ++h)
    for (const auto source : graph.handlers[h].feeds) edge(id('h', h), id('s', source), "loop");
}

bool drops_some(const Graph& graph) {
  return !graph.unmatched && std::any_of(graph.sources.begin(), graph.sources.end(),
                                         [](const auto& s) { return s.may_be_unmatched; });
}

}  // namespace

std::string graph_dot(const Graph& graph) {
  std::string text =
      "digraph standpipe {\n"
      "  rankdir=LR;\n"
      "  node [fontname=\"sans-serif\", fontsize=11];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  const auto node = [&](char kind, std::size_t number, const std::vector<std::string>& lines,
                        const std::string& shape, bool is_reached) {
    text += "  " + id(kind, number) + " [label=" + label(kDot, lines) + ", " + shape +
            (is_reached ? "" : ", style=dashed, fontcolor=gray40, color=gray40") + "];\n";
  };
  for (std::size_t i = 0; i < graph.sources.size(); ++i)
    if (!graph.sources[i].handler)
      node('s', i, lines_of(graph.sources[i]), "shape=box, style=rounded", true);
  for (std::size_t i = 0; i < graph.routes.size(); ++i)
    node('r', i, lines_of(graph.routes[i]), "shape=ellipse", !graph.routes[i].hidden_by);
  for (std::size_t i = 0; i < graph.handlers.size(); ++i)
    node('h', i, lines_of(graph.handlers[i]), "shape=box", graph.handlers[i].used);
  if (drops_some(graph)) text += "  dropped [label=\"dropped and counted\", shape=plaintext];\n";
  for_edges(graph, [&](const auto& from, const auto& to, std::string_view style) {
    text += "  " + from + " -> " + to;
    if (!style.empty()) text += " [style=dotted, label=\"" + std::string(style) + "\"]";
    text += ";\n";
  });
  return text + "}\n";
}

std::string graph_mermaid(const Graph& graph) {
  std::string text = "flowchart LR\n";
  const auto node = [&](char kind, std::size_t number, const std::vector<std::string>& lines,
                        const char* open, const char* close, bool is_reached) {
    text += "  " + id(kind, number) + open + label(kMermaid, lines) + close +
            (is_reached ? "" : ":::unreached") + '\n';
  };
  for (std::size_t i = 0; i < graph.sources.size(); ++i)
    if (!graph.sources[i].handler) node('s', i, lines_of(graph.sources[i]), ">", "]", true);
  for (std::size_t i = 0; i < graph.routes.size(); ++i)
    node('r', i, lines_of(graph.routes[i]), "([", "])", !graph.routes[i].hidden_by);
  for (std::size_t i = 0; i < graph.handlers.size(); ++i)
    node('h', i, lines_of(graph.handlers[i]), "[", "]", graph.handlers[i].used);
  if (drops_some(graph)) text += "  dropped[\"dropped and counted\"]\n";
  for_edges(graph, [&](const auto& from, const auto& to, std::string_view style) {
    text +=
        "  " + from + (style.empty() ? " --> " : " -. " + std::string(style) + " .-> ") + to + '\n';
  });
  return text + "  classDef unreached stroke-dasharray: 4 4, color: #777\n";
}

}  // namespace standpipe::cli
