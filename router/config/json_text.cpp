// SPDX-License-Identifier: Apache-2.0
#include "config/json_text.h"

#include <set>
#include <utility>

#include "base/text.h"
#include "config/json_value.h"
#include "config/names.h"
#include "match/value.h"

namespace standpipe::config {
namespace {

// Goes through a value once, for both: its text, and what a document must have to contain it.
class JsonWalk {
 public:
  explicit JsonWalk(Context& context) : context_(context) {}
  void walk(const Node& node, const std::string& name);

  std::string text;
  std::vector<JsonWanted> wanted;
  bool good = true;

 private:
  void scalar(const Node& node, const std::string& name);
  void map(const Node& node);
  bool is_key(const Node& key, std::set<std::string>& seen);

  Context& context_;
  std::string pointer_;
};

void JsonWalk::scalar(const Node& node, const std::string& name) {
  const Field field{node.spot, name, &node};
  const auto value = json_value_of(context_, field);
  good = good && value;
  std::string json = "null";
  if (value && value->value().is_string())
    json = json_string(value->value().text());
  else if (value && node.kind == Kind::scalar && value->value().kind() != match::Value::Kind::null)
    json = text_of(context_, field).value_or("");  // as it was written, which JSON can read
  text += json;
  wanted.push_back({pointer_, JsonWanted::Kind::scalar, std::move(json), 0});
}

bool JsonWalk::is_key(const Node& key, std::set<std::string>& seen) {
  if (key.kind != Kind::scalar) {
    context_.error(key.spot, "bad-key", "a key must be a word", "put it in quotes");
    return good = false;
  }
  if (seen.insert(key.text).second) return true;
  context_.error(key.spot, "duplicate-key", "duplicate key '" + shown(key.text) + "'",
                 "remove one of them");
  return good = false;
}

void JsonWalk::map(const Node& node) {
  wanted.push_back({pointer_, JsonWanted::Kind::object, {}, 0});
  std::set<std::string> seen;
  const auto before = pointer_.size();
  text += '{';
  for (const auto& entry : node.entries) {
    if (!is_key(*entry.key, seen)) continue;
    const auto& name = entry.key->text;
    text += (text.back() == '{' ? "" : ",") + json_string(name) + ':';
    pointer_ += '/';
    for (const char c : name)
      pointer_ += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
    walk(*entry.value, name);
    pointer_.resize(before);
  }
  text += '}';
}

// The parser bounds how deep and how large a value is.
void JsonWalk::walk(const Node& node, const std::string& name) {
  if (node.kind == Kind::map) return map(node);
  if (node.kind != Kind::list) return scalar(node, name);
  wanted.push_back({pointer_, JsonWanted::Kind::array, {}, node.items.size()});
  const auto before = pointer_.size();
  text += '[';
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (i > 0) text += ',';
    pointer_ += '/' + std::to_string(i);
    walk(*node.items[i], name);
    pointer_.resize(before);
  }
  text += ']';
}

}  // namespace

std::optional<std::string> json_of(Context& context, const Field& field) {
  JsonWalk walk(context);
  walk.walk(*field.value, field.name);
  if (!walk.good) return std::nullopt;
  return std::move(walk.text);
}

std::optional<std::vector<JsonWanted>> json_subset_of(Context& context, const Field& field) {
  JsonWalk walk(context);
  walk.walk(*field.value, field.name);
  if (!walk.good) return std::nullopt;
  return std::move(walk.wanted);
}

}  // namespace standpipe::config
