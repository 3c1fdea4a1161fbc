// SPDX-License-Identifier: Apache-2.0
#include "config/join.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

// What kind of value a section has that several files may share; null: one file alone has it.
Kind shared_kind(std::string_view key) {
  if (key == "sources" || key == "handlers") return Kind::map;
  return key == "routes" || key == "tests" ? Kind::list : Kind::null;
}

bool is_empty(const std::optional<Tree>& tree) {
  return !tree || !tree->root || tree->root->kind == Kind::null;
}

// Puts one file after the other into a map of its own.
class Joiner {
 public:
  Joiner(Context& context, Tree& joined)
      : context_(context), joined_(joined), root_(joined.nodes.emplace_back()) {
    root_.kind = Kind::map;
    joined_.root = &root_;
  }
  void add(const Node& root);

 private:
  void add_entry(const Entry& entry, const std::vector<Entry>& others);
  Entry* find(const std::string& key);
  void extend(Entry& entry, const Node& more);
  void complain_of_kind(const Entry& entry, Kind wanted);

  Context& context_;
  Tree& joined_;
  Node& root_;
};

void Joiner::add(const Node& root) {
  if (root.kind != Kind::map)
    return context_.error(
        root.spot, "wrong-type", "the configuration must be a map",
        "this is " + std::string(kind_name(root)) + "; write  sources: { in: { fifo: /tmp/in } }");
  if (root_.entries.empty()) root_.spot = root.spot;
  const auto others = root_.entries;  // of the files before
  for (const auto& entry : root.entries) add_entry(entry, others);
}

Entry* Joiner::find(const std::string& key) {
  const auto at = std::find_if(root_.entries.begin(), root_.entries.end(), [&](const Entry& e) {
    return e.key->kind == Kind::scalar && e.key->text == key;
  });
  return at == root_.entries.end() ? nullptr : &*at;
}

// A key that this file has twice is not joined, so that it is found to be there twice.
void Joiner::add_entry(const Entry& entry, const std::vector<Entry>& others) {
  auto* before = entry.key->kind == Kind::scalar ? find(entry.key->text) : nullptr;
  const bool of_another_file =
      before && std::any_of(others.begin(), others.end(),
                            [&](const Entry& e) { return e.key == before->key; });
  if (!of_another_file || before->key->spot.file == entry.key->spot.file) {
    root_.entries.push_back(entry);
    return;
  }
  const auto wanted = shared_kind(entry.key->text);
  if (entry.key->text == "version" && entry.value->kind == Kind::scalar &&
      before->value->kind == Kind::scalar && entry.value->text == before->value->text)
    return;
  if (wanted == Kind::null) {
    root_.entries.push_back(entry);
  } else if (entry.value->kind != wanted) {
    complain_of_kind(entry, wanted);
  } else if (before->value->kind != wanted) {
    complain_of_kind(*before, wanted);
    before->value = entry.value;
  } else {
    extend(*before, *entry.value);
  }
}

void Joiner::complain_of_kind(const Entry& entry, Kind wanted) {
  const auto quoted = "'" + shown(entry.key->text) + "'";
  if (entry.value->kind == Kind::null)
    return context_.error(entry.key->spot, "no-value", quoted + " has no value",
                          "give it one, or remove it");
  context_.error(entry.value->spot, "wrong-type",
                 quoted + (wanted == Kind::map ? " must be a map" : " must be a list"),
                 "this is " + std::string(kind_name(*entry.value)) +
                     "; it is joined with that of other files");
}

void Joiner::extend(Entry& entry, const Node& more) {
  auto& both = joined_.nodes.emplace_back(*entry.value);
  both.items.insert(both.items.end(), more.items.begin(), more.items.end());
  both.entries.insert(both.entries.end(), more.entries.begin(), more.entries.end());
  both.weight += more.weight;
  both.height = std::max(both.height, more.height);
  entry.value = &both;
}

}  // namespace

const Node* join(Context& context, const std::vector<std::optional<Tree>>& trees, Tree& joined) {
  if (trees.size() == 1) return is_empty(trees[0]) ? nullptr : trees[0]->root;
  if (std::all_of(trees.begin(), trees.end(), is_empty)) return nullptr;
  Joiner joiner(context, joined);
  std::size_t weight = 0;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    if (!trees[i]) continue;  // which was reported
    if (is_empty(trees[i])) {
      context.mistakes.add({}, {.severity = Severity::warning,
                                .code = "empty-file",
                                .message = shown(context.mistakes.documents().number(i).file()) +
                                           " has no configuration in it"});
      continue;
    }
    weight += trees[i]->root->weight;
    if (weight > kConfigNodesMax) {
      context.error(trees[i]->root->spot, "too-many-values",
                    "more than " + thousands(kConfigNodesMax) + " values in one configuration",
                    "too much with this file");
      break;
    }
    joiner.add(*trees[i]->root);
  }
  return joined.root;
}

}  // namespace standpipe::config
