// SPDX-License-Identifier: Apache-2.0
#include "worker/hub_names.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "state/directory.h"

namespace standpipe::worker {
namespace {

// Names and paths have no line's end in them.
template <class Names>
std::string lines(const Names& names) {
  std::string text;
  for (const auto& name : names) text.append(name).append("\n");
  return text;
}

std::set<std::string> set_of(std::string_view text) {
  auto all = lines_in(text);
  return {std::make_move_iterator(all.begin()), std::make_move_iterator(all.end())};
}

}  // namespace

HubNames HubNames::of(const config::HubOptions& options) {
  HubNames names;
  names.memory_max = options.memory_max;
  for (const auto& source : options.sources) names.sources.emplace(source.name, source.path);
  for (const auto& handler : options.handlers) names.handlers.insert(handler.name);
  for (const auto& plugin : options.source_plugins) names.handlers.insert(plugin.name);
  const auto add = [&](std::size_t source, std::size_t handler) {
    const auto& to = options.handlers[handler];
    const auto name = state::delivery_name(options.sources[source].name, to.name);
    names.deliveries.insert(name);
    if (to.queue.type == deliver::QueueOptions::Type::disk) names.queues.insert(name);
  };
  for (const auto& route : options.routes)
    for (const auto source : route.from)
      for (const auto handler : route.to) add(source, handler);
  for (std::size_t source = 0; options.unmatched && source < options.sources.size(); ++source)
    add(source, *options.unmatched);
  return names;
}

void HubNames::write(Parts& parts) const {
  parts.set("memory_max", memory_max);
  std::vector<std::string> names, paths;
  for (const auto& [name, path] : sources) names.push_back(name), paths.push_back(path);
  parts.set("sources", lines(names));
  parts.set("paths", lines(paths));
  parts.set("handlers", lines(handlers));
  parts.set("deliveries", lines(deliveries));
  parts.set("queues", lines(queues));
}

HubNames HubNames::read(const Parts& parts) {
  HubNames names;
  names.memory_max = parts.number("memory_max");
  const auto sources = lines_in(parts.text("sources")), paths = lines_in(parts.text("paths"));
  for (std::size_t i = 0; i < std::min(sources.size(), paths.size()); ++i)
    names.sources.emplace(sources[i], paths[i]);
  names.handlers = set_of(parts.text("handlers"));
  names.deliveries = set_of(parts.text("deliveries"));
  names.queues = set_of(parts.text("queues"));
  return names;
}

void HubNames::add(HubNames other) {
  sources.merge(other.sources);
  handlers.merge(other.handlers);
  deliveries.merge(other.deliveries);
  queues.merge(other.queues);
}

std::map<std::string, std::string> HubNames::renamed_in(const HubNames& next) const {
  std::map<std::string, std::string> names;
  for (const auto& [old, path] : sources) {
    if (path.empty() || next.sources.contains(old)) continue;
    for (const auto& [name, its_path] : next.sources)
      if (its_path == path && !sources.contains(name)) names.emplace(old, name);
  }
  return names;
}

LeavingNames HubNames::leaving_in(const HubNames& next) const {
  LeavingNames leaving;
  const auto renamed = renamed_in(next);
  for (const auto& [name, path] : sources)
    if (!next.sources.contains(name) && !renamed.contains(name)) leaving.sources.push_back(name);
  for (const auto& name : handlers)
    if (!next.handlers.contains(name)) leaving.handlers.push_back(name);
  return leaving;
}

}  // namespace standpipe::worker
