// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/graph_model.h"
#include "cli/graph_svg.h"

namespace standpipe::cli {
namespace {

Status graph(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin_folders(arguments));
  const auto json = arguments.has("json");
  if (json && arguments.has("format"))
    throw WrongUsage("--json is a format of its own", "leave --format out");
  const auto hub = load_configuration(arguments, streams, plugins);
  if (!hub) return Status::wrong_configuration;
  const auto drawn = graph_of(*hub);
  const auto format = arguments.text("format").value_or("text");
  if (json)
    streams.out.write(graph_json(drawn));
  else if (format == "mermaid")
    streams.out.write(graph_mermaid(drawn));
  else if (format == "dot")
    streams.out.write(graph_dot(drawn));
  else if (format == "svg")
    streams.out.write(svg_by_graphviz(graph_dot(drawn)));
  else
    streams.out.write(graph_text(drawn));
  return Status::done;
}

}  // namespace

Command graph_command() {
  return {
      .name = "graph",
      .summary = "draws what goes where in a configuration",
      .examples = {{"standpipe graph orders.yaml", "for the terminal"},
                   {"standpipe graph orders.yaml --format svg > orders.svg",
                    "a drawing; it needs graphviz"},
                   {"standpipe graph orders.yaml --format mermaid",
                    "for documentation in Markdown"},
                   {"standpipe graph orders.yaml --json | jq '.routes[].name'", "for programs"}},
      .description =
          "Shows sources, their routes in order, and handlers, each with its limits and what\n"
          "becomes of messages that fail. Routes that no message can get to, because of a\n"
          "final one before them, are marked, and handlers that get nothing.",
      .operands = {{.name = "CONFIG"}},
      .options = {plugins_option(),
                  {.name = "format",
                   .letter = 'f',
                   .kind = Kind::choice,
                   .value = "F",
                   .summary = "text, mermaid, dot or svg; default text",
                   .choices = {"text", "mermaid", "dot", "svg"}},
                  {.name = "json", .summary = "for programs, one line of JSON"}},
      .run = graph};
}

}  // namespace standpipe::cli
