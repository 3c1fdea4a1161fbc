// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "config/mistakes.h"
#include "config/tree.h"
#include "config/variables.h"
#include "match/regex.h"
#include "plugin/option.h"

namespace standpipe::config {

// A path that a handler alone may write to.
struct OwnFile {
  Spot spot;
  std::string path;  // absolute
  std::string handler;
  bool rotates = false;      // it is renamed to PATH.1, PATH.2 ...
  std::string pattern = {};  // not empty: the path has placeholders, and this is for fnmatch
};

// What every part of the loader has at hand.
struct Context {
  Mistakes& mistakes;
  std::vector<std::string> folders;  // of the files; absolute
  Lookup lookup;
  std::size_t expanded_bytes = 0;  // made by variables so far
  bool expanded_too_much = false;  // and reported
  std::vector<OwnFile> own_files = {};
  std::vector<OwnFile> given_paths = {};  // all paths in handlers' options
  match::RegexCache regexes = {};
  // Where options were given: by handler and option.
  std::map<std::pair<std::string, std::string>, Spot> option_spots = {};
  std::uint64_t match_max = kMatchMaxDefault;  // of sources that say nothing else

  // What relative paths that stand there are taken from.
  const std::string& folder_of(const Spot& spot) const { return folders[spot.file]; }
  void error(const Spot& spot, std::string code, std::string message, std::string label);
  // "WHAT is not available in this version", and what to do instead.
  void not_available(const Spot& spot, const std::string& what, std::string instead);
};

// A key and its value.
struct Field {
  Spot key;
  std::string name;
  const Node* value = nullptr;  // a null only where its Shape says so
};

// A key that this version knows but has only an answer for.
struct Later {
  std::string key;
  std::string instead;
};

// What other programs call a key, and which it is here; or how it is written, where it stands
// elsewhere.
struct Synonym {
  std::string word;
  std::string meant;
};

// What a map may hold, and how messages speak of it.
struct Shape {
  std::string what;     // "source 'orders'"
  std::string example;  // how it is written
  std::vector<std::string> keys;
  std::vector<Later> later = {};
  std::string noun = "key";
  bool null_is_value = false;  // of its keys; else one without a value is a mistake
  std::vector<Synonym> synonyms = {};
};

// One map of the file. Every key of it is known, given once and has a value; otherwise a mistake is
// added at once. Asking for a key that is missing or wrong returns nothing; the mistake was
// reported already, so callers need not ask why.
class Reader {
 public:
  // `owner`: the map's name, where what is missing is complained of.
  Reader(Context& context, const Node& node, const Spot& owner, Shape shape);
  // The same where the keys are names that the user chooses (the shape has none); those that begin
  // with x- may be notes.
  enum class Notes { left_out, kept };
  static Reader of_names(Context& context, const Node& node, Shape shape,
                         Notes notes = Notes::left_out);

  bool is_map() const { return is_map_; }
  bool is_empty() const { return is_map_ && attempted_.empty(); }  // nothing in it, or notes only
  const std::vector<Field>& fields() const { return fields_; }

  const Field* find(std::string_view key) const;
  // Whether the key stands there, with a value or without.
  bool was_given(std::string_view key) const { return attempted_.find(key) != attempted_.end(); }
  // As find; when it was not even attempted, that is a mistake, and `label` says what to write.
  const Field* need(std::string_view key, const std::string& label) const;

  // Exactly one of two keys: which of them was given. Where neither was even attempted, or both
  // were, that is a mistake; `label` says what to write where neither is.
  const Field* need_one(std::string_view key, std::string_view other,
                        const std::string& label) const;

  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::string> path(std::string_view key) const;  // absolute
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> choice(std::string_view key, std::vector<std::string> choices) const;
  // The same where this version knows some choices by name only: these get their answer ("framing
  // 'lines' is not available"), and nothing that is misspelt is answered with one of them.
  struct Choices {
    std::vector<std::string> available;
    std::vector<std::string> later;
    std::string what;  // "framing"
    std::string instead;
  };
  std::optional<std::string> available(std::string_view key, Choices choices) const;
  std::optional<std::int64_t> integer(std::string_view key, const char* least,
                                      const char* most) const;
  std::optional<std::uint64_t> size(std::string_view key, const std::string& least,
                                    const std::string& most) const;
  std::optional<Nanoseconds> duration(std::string_view key, const char* least,
                                      const char* most) const;

 private:
  Reader(Context& context, const Spot& owner, Shape shape, Notes notes);
  void read(const Node& node);
  void check_values();
  bool check_key(const Node& key);
  void complain_of_merge(const Entry& entry, const Spot*& first) const;
  bool is_note(const std::string& key) const;
  void check_known();
  bool is_usable(const Field& field);
  std::string what_was_meant(const std::string& unknown);
  std::optional<plugin::Value> value(std::string_view key, plugin::Option option) const;

  Context& context_;
  Spot owner_;
  Shape shape_;
  Notes notes_ = Notes::left_out;
  bool is_map_ = false;
  std::vector<Field> fields_;
  std::unordered_map<std::string, Spot> first_;   // every key that was given
  std::set<std::string, std::less<>> attempted_;  // given, or mistyped
};

// "a list", "a map", "text", "nothing".
std::string_view kind_name(const Node& node);
// A scalar with its variables replaced; else a mistake was added. `wanted`: "a size".
std::optional<std::string> text_of(Context& context, const Field& field,
                                   std::string_view wanted = "text");
// The same, parsed as the option says.
std::optional<plugin::Value> value_of(Context& context, const Field& field,
                                      const plugin::Option& option);
// The items of a list, each as a field with the list's name. `example`: how one is written.
std::vector<Field> items_of(Context& context, const Field& field, const std::string& example);
// A file mode: octal and in quotes.
std::optional<unsigned> mode_of(Context& context, const Field& field);
void wrong_type(Context& context, const Field& field, std::string_view wanted,
                const std::string& remedy = "give one value");

}  // namespace standpipe::config
