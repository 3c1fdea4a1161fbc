// SPDX-License-Identifier: Apache-2.0
#include "config/differences.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/document.h"
#include "config/mistakes.h"
#include "config/parse.h"
#include "config/tree.h"

namespace standpipe::config {
namespace {

using How = Difference::Kind;
using Fields = std::map<std::string, const Node*>;  // of a map, by key

constexpr std::size_t kDetailsMost = 4;  // of one change, that are named

Fields fields_of(const Node* node) {
  Fields fields;
  if (node && node->kind == Kind::map)
    for (const auto& entry : node->entries) fields.emplace(entry.key->text, entry.value);
  return fields;
}

const Node* field(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : found->second;
}

bool same(const Node* a, const Node* b);

bool same_items(const Node& a, const Node& b) {
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

bool same_fields(const Node& a, const Node& b) {
  const auto in_a = fields_of(&a), in_b = fields_of(&b);
  return std::equal(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(), [](auto& x, auto& y) {
    return x.first == y.first && same(x.second, y.second);
  });
}

bool same(const Node* a, const Node* b) {
  if (!a || !b) return a == b;
  return a->kind == b->kind && a->text == b->text && a->quoted == b->quoted && same_items(*a, *b) &&
         same_fields(*a, *b);
}

// The keys below which two values differ: "options.path".
void collect(const Node* a, const Node* b, const std::string& at, std::vector<std::string>& keys) {
  if (same(a, b)) return;
  const bool are_maps = a && b && a->kind == Kind::map && b->kind == Kind::map;
  if (!are_maps) return keys.push_back(at);
  auto all = fields_of(a);
  for (const auto& [key, value] : fields_of(b)) all.emplace(key, nullptr);
  const auto in_a = fields_of(a), in_b = fields_of(b);
  for (const auto& [key, value] : all)
    collect(field(in_a, key), field(in_b, key), at.empty() ? key : at + '.' + key, keys);
}

std::string detail_of(const Node* a, const Node* b) {
  std::vector<std::string> keys;
  collect(a, b, "", keys);
  const auto left_out = keys.size() > kDetailsMost ? keys.size() - kDetailsMost : 0;
  keys.resize(keys.size() - left_out);
  return joined(keys, ", ") + (left_out ? " and " + std::to_string(left_out) + " more" : "");
}

void compare_names(const char* what, const Fields& before, const Fields& after,
                   std::vector<Difference>& all) {
  for (const auto& [name, value] : before) {
    const auto* now = field(after, name);
    if (!after.contains(name))
      all.push_back({How::removed, what, name});
    else if (!same(value, now))
      all.push_back({How::changed, what, name, detail_of(value, now)});
  }
  for (const auto& [name, value] : after)
    if (!before.contains(name)) all.push_back({How::added, what, name});
}

// Takes those out that only have another name.
void take_renamed(Fields& before, Fields& after, std::vector<Difference>& all) {
  for (auto old = before.begin(); old != before.end();) {
    const auto* fifo = field(fields_of(old->second), "fifo");
    const auto is_it = [&](const auto& entry) {
      return !before.contains(entry.first) && same(field(fields_of(entry.second), "fifo"), fifo);
    };
    const auto now = fifo && !after.contains(old->first)
                         ? std::find_if(after.begin(), after.end(), is_it)
                         : after.end();
    if (now == after.end()) {
      ++old;
      continue;
    }
    all.push_back({How::renamed, "source", old->first, now->first});
    if (!same(old->second, now->second))
      all.push_back({How::changed, "source", now->first, detail_of(old->second, now->second)});
    after.erase(now);
    old = before.erase(old);
  }
}

// What stands in all files of a configuration.
struct Whole {
  explicit Whole(const Bundle& bundle);
  std::deque<Tree> trees;  // own what the rest points to, and stay where they are
  Fields sources, handlers, settings;
  std::vector<const Node*> routes;
};

Whole::Whole(const Bundle& bundle) {
  const Documents documents(bundle);
  Mistakes mistakes(documents);
  for (std::size_t i = 0; i < documents.size(); ++i)
    if (auto tree = parse(documents.number(i), mistakes)) trees.push_back(std::move(*tree));
  for (const auto& tree : trees) {
    auto sections = fields_of(tree.root);
    sources.merge(fields_of(field(sections, "sources")));
    handlers.merge(fields_of(field(sections, "handlers")));
    if (const auto* list = field(sections, "routes"))
      routes.insert(routes.end(), list->items.begin(), list->items.end());
    for (const auto* section : {"sources", "handlers", "routes", "tests"}) sections.erase(section);
    std::erase_if(sections, [](const auto& f) { return f.first.starts_with("x-"); });
    settings.merge(sections);
  }
}

// By their names, or by their places where they have none.
Fields by_name(const std::vector<const Node*>& list) {
  Fields routes;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto* name = field(fields_of(list[i]), "name");
    routes.emplace(name ? "'" + name->text + "'" : std::to_string(i + 1), list[i]);
  }
  return routes;
}

void compare_routes(const Whole& before, const Whole& after, std::vector<Difference>& all) {
  const auto known = all.size();
  compare_names("route", by_name(before.routes), by_name(after.routes), all);
  const bool same_order = std::equal(before.routes.begin(), before.routes.end(),
                                     after.routes.begin(), after.routes.end(), same);
  if (all.size() == known && !same_order)
    all.push_back({How::changed, "routes", "all", "their order"});
}

}  // namespace

std::string_view name_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::added:
      return "added";
    case Difference::Kind::removed:
      return "removed";
    case Difference::Kind::renamed:
      return "renamed";
    case Difference::Kind::changed:
      break;
  }
  return "changed";
}

std::string Difference::text() const {
  auto verb = std::string(name_of(kind));
  verb.resize(9, ' ');
  return verb + what + ' ' + name +
         (detail.empty() ? "" : (kind == Kind::renamed ? " -> " : ": ") + detail);
}

std::string Difference::json() const {
  return "{\"change\":" + json_string(name_of(kind)) + ",\"what\":" + json_string(what) +
         ",\"name\":" + json_string(name) +
         (detail.empty() ? "" : ",\"detail\":" + json_string(detail)) + '}';
}

std::vector<Difference> differences(const Bundle& before, const Bundle& after) {
  std::vector<Difference> all;
  Whole was(before), is(after);
  take_renamed(was.sources, is.sources, all);
  compare_names("source", was.sources, is.sources, all);
  compare_names("handler", was.handlers, is.handlers, all);
  compare_routes(was, is, all);
  compare_names("setting", was.settings, is.settings, all);
  return all;
}

}  // namespace standpipe::config
