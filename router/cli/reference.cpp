// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.h"

#include <algorithm>

#include "base/text.h"
#include "cli/plugin_page.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using config::Key;
using config::KeyMap;

constexpr std::size_t kColumns = 96;

std::string title_of(const KeyMap& map) {
  return map.path.empty() ? "The file" : std::string(map.path);
}

std::string yaml_line(const Key& key) {
  return key.example.empty() ? "" : std::string(key.name) + ": " + std::string(key.example);
}

std::string option_example(const plugin::Option& option) {
  return option.example.empty() ? "" : option.name + ": " + option.example;
}

// "SIZE, 1MiB to 64GiB"
std::string value_text(const Key& key) {
  auto text = std::string(key.value);
  if (const auto limits = limits_text(key); !limits.empty()) text += ", " + limits;
  return key.required ? text + ", required" : text;
}

// ---- for a terminal

// Words on lines of at most kColumns, each after the margin.
std::string wrapped(std::string_view text, std::size_t margin) {
  std::string out, line(margin, ' ');
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    const auto word = text.substr(at, end - at);
    if (line.size() > margin && line.size() + 1 + word.size() > kColumns) {
      out += line + '\n';
      line.assign(margin, ' ');
    }
    if (line.size() > margin) line += ' ';
    line += word;
    at = end + 1;
  }
  return line.size() > margin ? out + line + '\n' : out;
}

std::string key_paragraph(const Key& key) {
  std::string facts;
  if (!key.fallback.empty()) facts += "default: " + key.fallback + "; ";
  facts += "changes " + effect_text(key.effect);
  auto text = "  " + std::string(key.name) + ": " + value_text(key) + '\n' +
              wrapped(key.summary, 6) + wrapped("(" + facts + ")", 6);
  if (!key.example.empty()) text += "      e.g. " + yaml_line(key) + '\n';
  return text;
}

std::string option_paragraph(const plugin::Option& option) {
  auto text = wrapped(printable(option.name) + ": " + printable(option_facts(option)), 2) +
              wrapped(printable(option.summary) + '.', 6);
  if (!option.example.empty()) text += "      e.g. " + printable(option_example(option)) + '\n';
  return text;
}

bool is_about(std::string_view path, std::string_view name, const std::vector<std::string>& words) {
  const auto whole = std::string(path) + '.' + std::string(name);
  return std::all_of(words.begin(), words.end(),
                     [&](const auto& word) { return whole.find(word) != std::string::npos; });
}

std::string with_heading(const std::string& title, std::string_view intro,
                         const std::string& keys) {
  if (keys.empty()) return {};
  return '\n' + title + '\n' + wrapped(intro, 2) + keys;
}

// ---- as Markdown

// One cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : '`' + cell(text) + '`'; }

std::string row(const std::vector<std::string>& cells) {
  return "| " + joined(cells, " | ") + " |\n";
}

std::string map_markdown(const KeyMap& map) {
  auto text = "\n## " + (map.path.empty() ? title_of(map) : '`' + title_of(map) + '`') + "\n\n";
  if (!map.intro.empty()) text += std::string(map.intro) + "\n\n";
  text += "| key | value | default | example | changes | meaning |\n|---|---|---|---|---|---|\n";
  for (const auto& key : map.keys)
    text += row({code(key.name), cell(value_text(key)), cell(key.fallback), code(yaml_line(key)),
                 effect_text(key.effect), cell(key.summary)});
  return text;
}

std::string plugin_markdown(const plugin::Plugin& plugin) {
  auto text = "\n## Plugin `" + plugin.name + "`\n\n" + printable(plugin.summary) + ".\n\n";
  text += "| option | value | example | meaning |\n|---|---|---|---|\n";
  for (const auto& o : plugin.options)
    text += row({code(printable(o.name)), cell(printable(option_facts(o))),
                 code(printable(option_example(o))), cell(printable(o.summary) + '.')});
  return text;
}

}  // namespace

std::string configuration_form() {
  return "A configuration is one YAML file, or several files and folders, which are joined: of a "
         "folder,\n"
         "its files that end in .yaml or .yml, by name. Then `sources` and `handlers`, `routes` "
         "and "
         "`tests`\n"
         "may stand in each file, any other key in one. Relative paths are taken from the folder "
         "of "
         "the\n"
         "file that they stand in. The hub is named after the first file or folder: its control "
         "socket, and\n"
         "its data_dir by default.\n\n"
         "Unknown keys, keys that are given twice, values of a wrong type and names that nothing "
         "has are\n"
         "mistakes, and `standpipe check` shows all of them.\n\n"
         "A SIZE has a unit: `512B`, `64KiB`, `16MiB`, `1GiB`. So has a DURATION: `200ms`, `10s`, "
         "`5m`,\n"
         "`1d`. A BOOLEAN is `true` or `false`. A mode is OCTAL and in quotes.\n\n"
         "`${VAR}`, `${VAR:-default}` and `${VAR:?message}` in values stand for variables of the\n"
         "environment; `$${` is the text `${`. They are replaced after YAML is read, so a value "
         "cannot\n"
         "become a list. Inside { } and [ ] such a text needs quotes. Where a JSON value is meant, "
         "an\n"
         "unquoted variable is a number, `true`, `false` or `null` if it says so, and in quotes it "
         "is text.\n\n"
         "Keys that begin with `x-` are notes, and a place for anchors: `x-a: &a { mode: \"0620\" "
         "}`,\n"
         "later `*a`, or `<<: *a` for all its keys that are not given. Anchors hold within one "
         "file.";
}

std::string limits_text(const config::Key& key) {
  if (key.value.find("LIST") != std::string_view::npos || key.value == "MAP")
    return key.least.empty() ? "" : "at least " + key.least;
  if (!key.least.empty() && !key.most.empty()) return key.least + " to " + key.most;
  if (!key.least.empty()) return "at least " + key.least;
  return key.most.empty() ? "" : "at most " + key.most;
}

std::string effect_text(config::Effect effect) {
  switch (effect) {
    case config::Effect::reload:
      return "at a reload";
    case config::Effect::start:
      return "at the next start";
    default:
      return "in a later version";
  }
}

std::string reference_text(plugin::Registry& plugins, const std::vector<std::string>& about) {
  std::string text;
  for (const auto& map : config::key_maps()) {
    std::string keys;
    for (const auto& key : map.keys)
      if (is_about(map.path, key.name, about)) keys += key_paragraph(key);
    text += with_heading(title_of(map), map.intro, keys);
  }
  for (const auto* plugin : usable_plugins(plugins)) {
    std::string options;
    for (const auto& option : plugin->options)
      if (is_about(plugin->name, option.name, about)) options += option_paragraph(option);
    text += with_heading("options of " + plugin->name, printable(plugin->summary) + '.', options);
  }
  if (text.empty()) return {};
  return about.empty() ? printable_lines(configuration_form(), "") + text : text.substr(1);
}

std::string reference_markdown(plugin::Registry& plugins) {
  auto text =
      "# What a configuration may say\n\n"
      "<!-- Made by: standpipe help config --markdown > configs/REFERENCE.md -->\n\n" +
      configuration_form() +
      "\n\nThe column *changes* tells when a changed value is in force. In a value, words in "
      "capitals\nstand for something; others are written as they are.\n";
  for (const auto& map : config::key_maps()) text += map_markdown(map);
  for (const auto* plugin : usable_plugins(plugins)) text += plugin_markdown(*plugin);
  return text;
}

std::vector<const plugin::Plugin*> usable_plugins(plugin::Registry& plugins, Reporter* reporter) {
  std::vector<const plugin::Plugin*> usable;
  for (const auto& name : plugins.names()) {
    plugin::Refused refused;
    if (const auto* plugin = plugins.find(name, refused))
      usable.push_back(plugin);
    else if (reporter)
      reporter->warning("refused-plugin",
                        "plugin '" + name + "' cannot be used, and is left out: " + refused.reason,
                        refused.help);
  }
  return usable;
}

}  // namespace standpipe::cli
