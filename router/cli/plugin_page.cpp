// SPDX-License-Identifier: Apache-2.0
#include "cli/plugin_page.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <vector>

#include "base/text.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

// Not `using plugin::Option`: this folder has an Option of its own.
using PluginOption = plugin::Option;
using plugin::Plugin;

bool is_text(const PluginOption& option) {
  return option.type == STANDPIPE_STRING || option.type == STANDPIPE_URL ||
         option.type == STANDPIPE_SECRET;
}

std::string with_unit(const std::string& number, const PluginOption& option) {
  return option.unit.empty() ? number : number + ' ' + option.unit;
}

std::string range_text(const PluginOption& option) {
  if (!option.minimum.empty() && !option.maximum.empty())
    return option.minimum + " to " + with_unit(option.maximum, option);
  if (!option.minimum.empty()) return "at least " + with_unit(option.minimum, option);
  if (!option.maximum.empty()) return "at most " + with_unit(option.maximum, option);
  return {};
}

// A default as it would be written in YAML: text in quotes, because "0600" without them is a
// number.
std::string yaml_value(const PluginOption& option, const std::string& value) {
  return is_text(option) ? json_string(value) : value;
}

// Of a plugin that offers both; empty: both have it.
std::string_view owner_of(const PluginOption& option) {
  if (!option.of_source) return "handler";
  return option.of_handler ? "" : "source";
}

std::string option_text(const PluginOption& option) {
  const auto owner = std::string(owner_of(option));
  std::string text = "  " + printable(option.name) + "  (" + printable(option_facts(option)) +
                     (owner.empty() ? "" : ", of the " + owner + " only") + ")\n";
  if (!option.summary.empty()) text += "      " + printable(option.summary) + '\n';
  if (!option.example.empty())
    text += "      e.g. " + printable(option.name + ": " + option.example) + '\n';
  return text;
}

std::string some_value(const PluginOption& option) {
  if (!option.example.empty()) return option.example;
  if (!option.fallback.empty()) return yaml_value(option, option.fallback);
  if (!option.choices.empty()) return option.choices.front();
  switch (option.type) {
    case STANDPIPE_INTEGER:
    case STANDPIPE_FLOAT:
      return option.minimum.empty() ? "1" : option.minimum;
    case STANDPIPE_DURATION:
      return option.minimum.empty() ? "1s" : option.minimum;
    case STANDPIPE_SIZE:
      return option.minimum.empty() ? "1MiB" : option.minimum;
    case STANDPIPE_BOOLEAN:
      return "true";
    case STANDPIPE_PATH:
      return "/path/to/" + option.name;
    case STANDPIPE_URL:
      return "\"http://localhost\"";
    case STANDPIPE_LIST:
      return "[]";
    case STANDPIPE_MAP:
      return "{}";
    default:
      return "\"...\"";
  }
}

std::string option_json(const PluginOption& option) {
  std::string choices;
  for (const auto& c : option.choices) choices += (choices.empty() ? "" : ",") + json_string(c);
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? "null" : json_string(text);
  };
  return "{\"name\":" + json_string(option.name) +
         ",\"type\":" + json_string(plugin::type_name(option.type)) +
         ",\"required\":" + (option.required ? "true" : "false") +
         ",\"of\":" + text_or_null(std::string(owner_of(option))) +
         ",\"default\":" + text_or_null(option.fallback) +
         ",\"minimum\":" + text_or_null(option.minimum) +
         ",\"maximum\":" + text_or_null(option.maximum) + ",\"unit\":" + text_or_null(option.unit) +
         ",\"choices\":[" + choices + "],\"summary\":" + json_string(option.summary) +
         ",\"example\":" + text_or_null(option.example) + "}";
}

// Where a sample of it stands. One that offers both is shown as a handler.
std::string_view section_of(const Plugin& plugin) {
  return plugin.is_source() && !plugin.is_handler() ? "sources" : "handlers";
}

std::vector<PluginOption> options_shown(const Plugin& plugin) {
  const bool of_source = section_of(plugin) == "sources";
  std::vector<PluginOption> options;
  std::copy_if(plugin.options.begin(), plugin.options.end(), std::back_inserter(options),
               [&](const auto& o) { return of_source ? o.of_source : o.of_handler; });
  return options;
}

}  // namespace

std::string option_facts(const plugin::Option& option) {
  auto text = plugin::type_text(option);
  if (const auto range = range_text(option); !range.empty()) text += ", " + range;
  if (option.required) return text + ", required";
  return option.fallback.empty() ? text : text + ", default " + yaml_value(option, option.fallback);
}

std::string plugin_kind(const Plugin& plugin) {
  if (plugin.is_source()) return plugin.is_handler() ? "source, handler" : "source";
  return plugin.is_handler() ? "handler" : "-";
}

// Required options are written out; the others stand there as comments, to be activated by removing
// "# ".
std::string example_yaml(const Plugin& plugin) {
  const auto options = options_shown(plugin);
  const bool any_required =
      std::any_of(options.begin(), options.end(), [](const auto& o) { return o.required; });
  std::string text = std::string(section_of(plugin)) + ":\n  my_" + plugin.name +
                     ":\n    plugin: " + plugin.name + '\n';
  if (!options.empty()) text += any_required ? "    options:\n" : "    # options:\n";
  const std::string optional = any_required ? "      # " : "    #   ";
  for (const auto& o : options)
    text += (o.required ? "      " : optional) + o.name + ": " + some_value(o) + '\n';
  return text;
}

std::string plugin_yaml(const Plugin& plugin) {
  const auto name = "my_" + plugin.name;
  auto text = "# " + plugin.name + ' ' + printable(plugin.version) + ": " +
              printable(plugin.summary) +
              "\n# Correct what is required, remove \"# \" before what you change, and then: "
              "standpipe check FILE\n";
  if (section_of(plugin) == "handlers")
    text += "sources:\n  in:\n    fifo: /tmp/" + name + "-in\n\n";
  std::istringstream example(example_yaml(plugin));
  const auto options = options_shown(plugin);
  auto option = options.begin();
  for (std::string line; std::getline(example, line); text += '\n') {
    text += line;
    const bool is_option =
        option != options.end() && line.find(' ' + option->name + ": ") != line.npos;
    if (!is_option) continue;
    text += "   # " + printable(option_facts(*option)) +
            (option->summary.empty() ? "" : ": " + printable(option->summary));
    ++option;
  }
  if (section_of(plugin) == "handlers")
    return text + "\nroutes:\n  - from: in\n    to: " + name + '\n';
  return text + "\nhandlers:\n  screen:\n    plugin: print\n\nroutes:\n  - from: " + name +
         "\n    to: screen\n";
}

std::string plugin_page(const Plugin& plugin) {
  auto text = plugin.name + ' ' + printable(plugin.version) + " (" + plugin_kind(plugin) +
              "): " + printable(plugin.summary) + '\n' + printable(plugin.path) + '\n';
  if (!plugin.documentation.empty()) text += '\n' + printable_lines(plugin.documentation, "");
  text += plugin.options.empty() ? "\nIt has no options.\n" : "\nOptions:\n";
  for (const auto& o : plugin.options) text += option_text(o);
  if (plugin.is_source() && plugin.is_handler())
    text += "\nIt is a source, too: name it under `sources`, with its options.\n";
  return text + "\nIn a configuration:\n" + printable_lines(example_yaml(plugin), "  ");
}

std::string plugin_json(const Plugin& plugin) {
  std::string options;
  for (const auto& o : plugin.options) options += (options.empty() ? "" : ",") + option_json(o);
  return "{\"name\":" + json_string(plugin.name) + ",\"version\":" + json_string(plugin.version) +
         ",\"kind\":" + json_string(plugin_kind(plugin)) +
         ",\"summary\":" + json_string(plugin.summary) + ",\"path\":" + json_string(plugin.path) +
         ",\"documentation\":" + json_string(plugin.documentation) + ",\"options\":[" + options +
         "]}\n";
}

}  // namespace standpipe::cli
