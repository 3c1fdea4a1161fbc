// SPDX-License-Identifier: Apache-2.0
#include "config/routes.h"

#include <algorithm>
#include <unordered_map>

#include "config/match.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

// Reads one route after the other; remembers their names.
class RouteReader {
 public:
  RouteReader(Context& context, const Ends& ends) : context_(context), ends_(ends) {}
  match::RouteOptions read(const Field& field, std::size_t number);

 private:
  std::string read_name(const Reader& reader, std::size_t number);
  std::vector<std::size_t> read_ends(const Field& field, const Names* names, bool is_from);
  std::optional<std::size_t> resolve(const Field& item, const std::string& name, const Names& names,
                                     bool is_from);

  Context& context_;
  const Ends& ends_;
  std::unordered_map<std::string, Spot> names_;
};

match::RouteOptions RouteReader::read(const Field& field, std::size_t number) {
  const Reader reader(context_, *field.value, field.key,
                      {"route " + std::to_string(number),
                       "- { from: orders, to: screen }",
                       {"name", "from", "match", "to", "final"},
                       {},
                       "key",
                       false,
                       {{"source", "from"},
                        {"sources", "from"},
                        {"handler", "to"},
                        {"handlers", "to"},
                        {"target", "to"},
                        {"when", "match"},
                        {"if", "match"},
                        {"filter", "match"}}});
  match::RouteOptions route{.name = read_name(reader, number), .from = {}, .to = {}};
  const auto* from = reader.need("from", "say which source:  from: orders");
  const auto* to = reader.need("to", "say which handler:  to: screen");
  if (from) route.from = read_ends(*from, ends_.sources, true);
  if (to) route.to = read_ends(*to, ends_.handlers, false);
  if (const auto* rule = reader.find("match")) route.rule = read_rule(context_, *rule, "'match'");
  route.final = reader.boolean("final").value_or(false);
  return route;
}

std::string RouteReader::read_name(const Reader& reader, std::size_t number) {
  const auto* field = reader.find("name");
  const auto name = field ? text_of(context_, *field, "text") : std::nullopt;
  if (!name) return "route " + std::to_string(number);
  const auto& spot = field->value->spot;
  if (name->empty() || name->size() > 200)
    context_.error(spot, "bad-name", "a route's name has 1 to 200 bytes",
                   "give another, or remove it");
  const auto [first, is_new] = names_.emplace(*name, spot);
  if (!is_new && first->second != spot)
    context_.error(spot, "duplicate-name", "two routes are called '" + shown(*name) + "'",
                   "the other is " + context_.mistakes.documents().beside(first->second, spot));
  return *name;
}

std::vector<std::size_t> RouteReader::read_ends(const Field& field, const Names* names,
                                                bool is_from) {
  std::vector<std::size_t> ends;
  const bool is_one = field.value->kind == Kind::scalar;
  if (field.value->kind == Kind::map) {
    wrong_type(context_, field, "a name or a list of names",
               is_from ? "write  from: orders" : "write  to: screen");
    return ends;
  }
  const auto items = is_one ? std::vector{field} : items_of(context_, field, {});
  if (field.value->kind == Kind::list && field.value->items.empty())
    context_.error(field.key, "no-value", "'" + field.name + "' names nothing",
                   is_from ? "name a source" : "name a handler");
  for (const auto& item : items) {
    const auto name = text_of(context_, item, "a name");
    const auto number = name && names ? resolve(item, *name, *names, is_from) : std::nullopt;
    if (!number) continue;
    if (std::find(ends.begin(), ends.end(), *number) != ends.end())
      context_.error(item.value->spot, "duplicate-name", "'" + shown(*name) + "' is named twice",
                     "remove one");
    else
      ends.push_back(*number);
  }
  return ends;
}

std::optional<std::size_t> RouteReader::resolve(const Field& item, const std::string& name,
                                                const Names& names, bool is_from) {
  if (const auto number = names.find(name)) return number;
  const auto& spot = item.value->spot;
  const auto quoted = "'" + shown(name) + "'";
  const auto emitter = is_from && ends_.handlers ? ends_.handlers->find(name) : std::nullopt;
  if (emitter) return ends_.emitters->source_of(spot, *emitter);
  if (!is_from && ends_.sources && ends_.sources->find(name))
    context_.error(spot, "unknown-handler", quoted + " is a source, not a handler",
                   "a route goes to handlers");
  else if (name.find(',') != std::string::npos)
    context_.error(spot, is_from ? "unknown-source" : "unknown-handler",
                   std::string("unknown ") + (is_from ? "source " : "handler ") + quoted,
                   "several are a list:  [" + shown(name) + ']');
  else
    context_.error(spot, is_from ? "unknown-source" : "unknown-handler",
                   std::string("unknown ") + (is_from ? "source " : "handler ") + quoted,
                   context_.mistakes.full() ? ""
                                            : suggestion(context_.mistakes, name, names.sorted(),
                                                         is_from ? "sources" : "handlers"));
  return std::nullopt;
}

// Its name where it has one: a map's own place is its first key.
Spot spot_of(const Field& route) {
  for (const auto& entry : route.value->entries)
    if (entry.key->text == "name") return entry.value->spot;
  return route.value->entries.empty() ? route.key : route.value->entries.front().key->spot;
}

}  // namespace

Routes read_routes(Context& context, const Field& section, const Ends& ends) {
  Routes routes;
  RouteReader one(context, ends);
  for (const auto& item : items_of(context, section, "routes: [{ from: orders, to: screen }]")) {
    routes.options.push_back(one.read(item, routes.options.size() + 1));
    routes.spots.push_back(spot_of(item));
  }
  if (section.value->kind == Kind::list && section.value->items.empty())
    context.error(section.key, "no-routes", "there are no routes",
                  "add one:  - { from: orders, to: screen }");
  return routes;
}

std::optional<std::size_t> read_unmatched(Context& context, const Field& field, const Ends& ends) {
  const auto text = text_of(context, field, "drop or a handler's name");
  if (!text || *text == "drop" || *text == "dead_letter") return std::nullopt;
  if (!ends.handlers) return std::nullopt;
  if (const auto number = ends.handlers->find(*text)) return number;
  auto known = ends.handlers->sorted();
  known.insert(known.begin(), {"drop", "dead_letter"});
  context.error(field.value->spot, "unknown-handler", "unknown handler '" + shown(*text) + "'",
                suggestion(context.mistakes, *text, known, "choices"));
  return std::nullopt;
}

}  // namespace standpipe::config
