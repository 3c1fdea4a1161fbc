// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace standpipe::config {

// When a changed value is in force.
enum class Effect {
  reload,
  start,
  later,  // the name is known, and what it says is for a later version: the loader refuses it
};

// One key of a map in the configuration. The manual, the reference and the schema are made of it.
//
// `value` is how it is written, with `|` between ways:
//   SIZE DURATION BOOLEAN NUMBER "OCTAL"  scalars; BYTES: a size whose unit may be left out
//   MAP, LIST                             what the KeyMap at this place declares; see key_maps
//   SCALAR, VALUE, VALUES                 any scalar, anything, a list of anything
//   PATH TEXT NAME and the like           text
//   lower case                            a choice: that word itself
struct Key {
  std::string_view name;  // in capitals: it stands for any key, and its map has no other row
  std::string_view value;
  std::string fallback;  // what holds without it; empty: nothing, or it must be given
  std::string_view summary;
  std::string_view example = {};  // as YAML, on one line
  std::string least = {},
              most = {};  // of a number, size or duration; "1" of a list or map: not empty
  bool required = false;
  Effect effect = Effect::reload;
  std::string_view shape = {};  // the path of the KeyMap that a MAP, or each item of a LIST, has
};

struct KeyMap {
  std::string_view path;   // where it stands: "sources.NAME.log", "routes[]"; empty: the whole file
  std::string_view intro;  // a paragraph; may be empty
  std::vector<Key> keys;
  std::string_view alone = {};  // how a value is written that stands in the place of the whole map
  bool not_empty = false;       // it must have a key
  std::vector<std::string_view> one_of = {};  // exactly one of these keys must be given
};

// What a configuration may say, in the manual's order. The parts of the loader each know their own
// keys and check them; this is the same list in words. Tests ask the loader for its keys, limits
// and examples and compare, so that none stays unexplained or wrong.
//
// The KeyMap of a MAP at PATH.KEY has that path, or ends in a word in capitals after it, which
// stands for names that the user chooses. That of a LIST's items has PATH.KEY[]; where there is
// none, its items are texts.
std::vector<KeyMap> key_maps();

}  // namespace standpipe::config
