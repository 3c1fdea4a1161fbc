// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace standpipe::config {

// A place in a file, in bytes; Documents turns it into a Location. Bytes, because counting
// characters for every value of a file that is one long line would take quadratic time, and only
// few values are ever shown.
struct Spot {
  std::uint32_t line = 0;   // from 1; 0: nowhere
  std::uint32_t byte = 0;   // within the line, from 0
  std::uint32_t bytes = 1;  // how many are meant
  std::uint32_t file = 0;   // which of the configuration's files
  auto operator<=>(const Spot&) const = default;
};

enum class Kind { null, scalar, list, map };

struct Node;

struct Entry {
  const Node* key = nullptr;
  const Node* value = nullptr;
};

// One value of a YAML file, as written: duplicate keys are all there, in order, and an alias is a
// second pointer to one node. Only merge keys are replaced by what they bring.
//
// weight and height are those of the whole tree under it, aliases expanded. The parser bounds both,
// so that whoever reads the tree may walk it without counting: aliases of aliases cannot explode.
struct Node {
  Kind kind = Kind::null;
  Spot spot;
  bool quoted = false;  // a scalar in quotes, or in a block
  std::string text;     // scalar
  std::vector<const Node*> items;
  std::vector<Entry> entries;
  std::size_t weight = 1;
  std::size_t height = 1;
};

// `<<`, not in quotes, and what may stand after it: a map, or a list of maps.
inline bool is_merge(const Node& key) {
  return key.kind == Kind::scalar && key.text == "<<" && !key.quoted;
}
inline bool can_be_merged(const Node& value) {
  const auto is_map = [](const Node* node) { return node->kind == Kind::map; };
  return is_map(&value) || (value.kind == Kind::list && !value.items.empty() &&
                            std::all_of(value.items.begin(), value.items.end(), is_map));
}

struct Tree {
  Tree() = default;
  Tree(Tree&&) = default;  // only moved: a copy's pointers would lead into the original
  Tree& operator=(Tree&&) = default;

  std::deque<Node> nodes;  // owns; addresses stay
  const Node* root = nullptr;
};

}  // namespace standpipe::config
