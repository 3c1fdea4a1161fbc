// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "base/text.h"
#include "cli/manual.h"
#include "cli/plugin_page.h"
#include "cli/reference.h"
#include "cli/show.h"
#include "config/keys.h"

namespace standpipe::cli {
namespace {

constexpr const char* kConfigurationExample =
    "sources:\n"
    "  orders:\n"
    "    fifo: /run/standpipe/orders\n"
    "handlers:\n"
    "  archive:\n"
    "    plugin: log\n"
    "    options: { path: /var/log/standpipe/orders.log }\n"
    "routes:\n"
    "  - from: orders\n"
    "    to: archive\n";

// A longer one, as a digest is, has no place in a line; `standpipe help config KEY` shows it.
constexpr std::size_t kExampleMost = 60;

void add_key_map(ManualPage& page, const config::KeyMap& map) {
  page.heading_below(map.path.empty() ? "The file" : map.path);
  page.paragraphs(map.intro);
  for (const auto& key : map.keys) {
    auto text = std::string(key.summary);
    if (const auto limits = limits_text(key); !limits.empty()) text += " Limits: " + limits + '.';
    if (!key.fallback.empty()) text += " Default: " + key.fallback + '.';
    if (key.required) text += " It must be given.";
    if (key.effect == config::Effect::start) text += " A change counts at the next start.";
    if (!key.example.empty() && key.example.size() <= kExampleMost)
      text += " For example `" + std::string(key.name) + ": " + std::string(key.example) + "`.";
    page.item('`' + std::string(key.name) + "`: " + std::string(key.value), text);
  }
}

void add_plugin_options(ManualPage& page, const plugin::Plugin& plugin) {
  page.heading_below(plugin.name + ": " + printable(plugin.summary));
  page.paragraphs(printable_lines(plugin.documentation, ""));
  for (const auto& o : plugin.options) {
    auto text = printable(o.summary) + '.';
    if (!o.example.empty()) text += " For example `" + printable(o.name + ": " + o.example) + "`.";
    page.item('`' + printable(o.name) + "`: " + printable(option_facts(o)), text);
  }
}

}  // namespace

ManualPage configuration_page(plugin::Registry& plugins) {
  ManualPage page("standpipe.yaml", 5, "what a hub is told");
  page.heading("SYNOPSIS");
  page.verbatim(kConfigurationExample);
  page.heading("DESCRIPTION");
  page.paragraphs(configuration_form());
  page.heading("KEYS");
  for (const auto& map : config::key_maps()) add_key_map(page, map);
  page.heading("PLUGINS");
  page.paragraphs("What stands under `options` of a handler or a source is its plugin's own.");
  for (const auto* plugin : usable_plugins(plugins)) add_plugin_options(page, *plugin);
  page.heading("SEE ALSO");
  page.paragraphs(
      "standpipe(1), standpipe-check(1), standpipe-run(1), standpipe-schema(1), "
      "standpipe-plugin-show(1)");
  return page;
}

}  // namespace standpipe::cli
