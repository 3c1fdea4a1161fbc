// SPDX-License-Identifier: Apache-2.0
#include "config/reader.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

std::string wanted_name(const plugin::Option& option) {
  switch (option.type) {
    case STANDPIPE_INTEGER:
      return "a whole number";
    case STANDPIPE_FLOAT:
      return "a number";
    case STANDPIPE_BOOLEAN:
      return "true or false";
    case STANDPIPE_DURATION:
      return "a duration";
    case STANDPIPE_SIZE:
      return "a size";
    case STANDPIPE_ENUM:
      return plugin::type_text(option);
    case STANDPIPE_PATH:
      return "a path";
    default:
      return "text";
  }
}

const char* code_of(const plugin::Option& option, const std::string& text) {
  const bool has_unit = option.type == STANDPIPE_SIZE || option.type == STANDPIPE_DURATION;
  if (has_unit && parse_float(text)) return "missing-unit";
  auto unbounded = option;
  unbounded.minimum.clear();
  unbounded.maximum.clear();
  return plugin::parse_value(unbounded, text, "/").problem.empty() ? "out-of-range" : "bad-value";
}

// A message that quotes a whole value, however long that is.
std::string shortened(std::string message, const std::string& value) {
  for (const auto& quoted : {escaped(value), value})
    if (const auto at = message.find(quoted);
        at != std::string::npos && shown(value).size() < quoted.size())
      message.replace(at, quoted.size(), shown(value));
  return message;
}

// `fifo:/tmp/in`, which is a text to YAML.
bool lacks_space(const Node& node) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto colon = node.text.find(':');
  return node.kind == Kind::scalar && !node.quoted && colon != std::string::npos && colon > 0 &&
         colon + 1 < node.text.size() &&
         std::all_of(node.text.begin(), node.text.begin() + static_cast<std::ptrdiff_t>(colon),
                     is_letter);
}

// HOME of "$HOME/in"; empty: it does not begin so.
std::string variable_of_shell(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
  if (!text.starts_with('$')) return {};
  const auto end = std::find_if_not(text.begin() + 1, text.end(), is_letter);
  return {text.begin() + 1, end};
}

// `-from: orders`, which is a key to YAML.
bool has_dash(const Node& node) {
  return node.kind == Kind::map && !node.entries.empty() &&
         node.entries[0].key->text.starts_with('-');
}

plugin::Option limited(std::uint32_t type, std::string least, std::string most) {
  plugin::Option option{.type = type};
  option.minimum = std::move(least);
  option.maximum = std::move(most);
  return option;
}

}  // namespace

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return "text";
    case Kind::list:
      return "a list";
    case Kind::map:
      break;
  }
  return "a map";
}

// Without a place there is no caret to stand beside, so the label becomes a help.
void Context::error(const Spot& spot, std::string code, std::string message, std::string label) {
  if (spot.line == 0)
    return mistakes.add(
        spot, {.code = std::move(code), .message = std::move(message), .help = {std::move(label)}});
  mistakes.add(spot,
               {.code = std::move(code), .message = std::move(message), .label = std::move(label)});
}

void Context::not_available(const Spot& spot, const std::string& what, std::string instead) {
  error(spot, "not-available", what + " is not available in this version", std::move(instead));
}

// ---- Reader

Reader::Reader(Context& context, const Spot& owner, Shape shape, Notes notes)
    : context_(context), owner_(owner), shape_(std::move(shape)), notes_(notes) {}

Reader::Reader(Context& context, const Node& node, const Spot& owner, Shape shape)
    : Reader(context, owner, std::move(shape), Notes::left_out) {
  read(node);
  check_known();
}

Reader Reader::of_names(Context& context, const Node& node, Shape shape, Notes notes) {
  Reader reader(context, node.spot, std::move(shape), notes);
  reader.read(node);
  reader.check_values();
  return reader;
}

bool Reader::is_note(const std::string& key) const {
  return notes_ == Notes::left_out && key.starts_with("x-");
}

void Reader::read(const Node& node) {
  is_map_ = node.kind == Kind::map;
  if (!is_map_) {
    context_.error(node.spot, "wrong-type", shape_.what + " must be a map",
                   "this is " + std::string(kind_name(node)) + "; " +
                       (lacks_space(node) ? "a key's ':' needs a space after it"
                                          : "write  " + shape_.example));
    return;
  }
  const Spot* merge = nullptr;
  for (const auto& entry : node.entries) {
    if (is_merge(*entry.key)) {
      complain_of_merge(entry, merge);
      continue;
    }
    if (!check_key(*entry.key)) continue;
    fields_.push_back({entry.key->spot, entry.key->text, entry.value});
    attempted_.insert(entry.key->text);
  }
}

bool Reader::check_key(const Node& key) {
  if (key.kind != Kind::scalar) {
    context_.error(key.spot, "bad-key", "a key must be a word",
                   key.kind == Kind::null ? "put it in quotes, if a name is meant"
                                          : "this is " + std::string(kind_name(key)));
    return false;
  }
  const auto [first, is_new] = first_.emplace(key.text, key.spot);
  if (is_new) return true;
  if (!is_note(key.text))
    context_.error(
        key.spot, "duplicate-key", "duplicate " + shape_.noun + " '" + shown(key.text) + "'",
        "it stands " + context_.mistakes.documents().beside(first->second, key.spot) + " already");
  return false;
}

// The parser replaced what could be merged (parse.h); what is left could not.
void Reader::complain_of_merge(const Entry& entry, const Spot*& first) const {
  const auto& key = entry.key->spot;
  if (first)
    return context_.error(key, "duplicate-key", "a second '<<' in " + shape_.what,
                          "one stands " + context_.mistakes.documents().beside(*first, key) +
                              "; merge several maps by a list: <<: [*a, *b]");
  first = &key;
  if (!can_be_merged(*entry.value))
    context_.error(entry.value->spot, "wrong-type", "'<<' takes the keys of a map, or of several",
                   entry.value->kind == Kind::list
                       ? "write a list of maps: <<: [*a, *b]"
                       : "this is " + std::string(kind_name(*entry.value)) +
                             "; write the alias of a map: <<: *name");
}

void Reader::check_values() {
  std::erase_if(fields_,
                [&](const Field& f) { return is_note(f.name) && attempted_.erase(f.name) > 0; });
  std::erase_if(fields_, [&](const Field& f) {
    if (f.value->kind != Kind::null || shape_.null_is_value) return false;
    context_.error(f.key, "no-value", "'" + shown(f.name) + "' has no value",
                   "what belongs to it is indented more than it; as in  " + shape_.example);
    return true;
  });
}

void Reader::check_known() {
  std::erase_if(fields_, [&](const Field& f) { return !is_usable(f); });
}

bool Reader::is_usable(const Field& field) {
  const auto& name = field.name;
  const auto& keys = shape_.keys;
  for (const auto& later : shape_.later) {
    if (later.key != name) continue;
    context_.not_available(field.key, "'" + name + "'", later.instead);
    return false;
  }
  if (std::find(keys.begin(), keys.end(), name) != keys.end()) {
    if (field.value->kind != Kind::null || shape_.null_is_value) return true;
    context_.error(field.key, "no-value", "'" + name + "' has no value",
                   "give it one, or remove it");
    return false;
  }
  if (is_note(name)) return false;
  context_.error(field.key, "unknown-" + shape_.noun,
                 "unknown " + shape_.noun + " '" + shown(name) + "' in " + shape_.what,
                 what_was_meant(name));
  return false;
}

std::string Reader::what_was_meant(const std::string& unknown) {
  if (context_.mistakes.full()) return {};
  const auto& keys = shape_.keys;
  const auto is_it = [&](const Synonym& s) { return s.word == unknown; };
  const auto synonym = std::find_if(shape_.synonyms.begin(), shape_.synonyms.end(), is_it);
  const auto& word = synonym == shape_.synonyms.end() ? unknown : synonym->meant;
  const bool is_key = std::find(keys.begin(), keys.end(), word) != keys.end();
  if (synonym != shape_.synonyms.end() && !is_key) return "write  " + word;
  if (const auto near = nearest(word, keys)) attempted_.insert(*near);
  return suggestion(context_.mistakes, word, keys, shape_.noun + "s");
}

const Field* Reader::find(std::string_view key) const {
  const auto at =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.name == key; });
  return at == fields_.end() ? nullptr : &*at;
}

const Field* Reader::need(std::string_view key, const std::string& label) const {
  if (is_map_ && attempted_.find(key) == attempted_.end()) {
    const auto quoted = " '" + std::string(key) + "'";
    context_.error(
        owner_, "missing-" + shape_.noun,
        shape_.what + (shape_.noun == "key" ? " has no" : " needs the " + shape_.noun) + quoted,
        label);
  }
  return find(key);
}

const Field* Reader::need_one(std::string_view key, std::string_view other,
                              const std::string& label) const {
  const auto quoted = [](std::string_view name) { return "'" + std::string(name) + "'"; };
  const auto *one = find(key), *another = find(other);
  if (one && another)
    context_.error(another->key, "duplicate-key",
                   shape_.what + " has " + quoted(key) + " and " + quoted(other),
                   "keep one of them");
  if (is_map_ && !attempted_.contains(key) && !attempted_.contains(other))
    context_.error(owner_, "missing-" + shape_.noun,
                   shape_.what + " has neither " + quoted(key) + " nor " + quoted(other), label);
  return one ? one : another;
}

std::optional<plugin::Value> Reader::value(std::string_view key, plugin::Option option) const {
  const auto* field = find(key);
  if (!field) return std::nullopt;
  option.name = field->name;
  return value_of(context_, *field, option);
}

std::optional<std::string> Reader::text(std::string_view key) const {
  const auto* field = find(key);
  return field ? text_of(context_, *field) : std::nullopt;
}

std::optional<std::string> Reader::path(std::string_view key) const {
  const auto v = value(key, {.type = STANDPIPE_PATH});
  return v ? std::optional(v->text) : std::nullopt;
}

std::optional<bool> Reader::boolean(std::string_view key) const {
  const auto v = value(key, {.type = STANDPIPE_BOOLEAN});
  return v ? std::optional(v->integer != 0) : std::nullopt;
}

std::optional<std::string> Reader::choice(std::string_view key,
                                          std::vector<std::string> choices) const {
  plugin::Option option{.type = STANDPIPE_ENUM};
  option.choices = std::move(choices);
  const auto v = value(key, std::move(option));
  return v ? std::optional(v->text) : std::nullopt;
}

std::optional<std::string> Reader::available(std::string_view key, Choices choices) const {
  const auto* field = find(key);
  if (field && field->value->kind == Kind::scalar) {
    const auto given = text_of(context_, *field);
    if (!given) return std::nullopt;
    if (std::find(choices.later.begin(), choices.later.end(), *given) != choices.later.end()) {
      context_.not_available(field->value->spot, choices.what + " '" + *given + "'",
                             std::move(choices.instead));
      return std::nullopt;
    }
  }
  return choice(key, std::move(choices.available));
}

std::optional<std::int64_t> Reader::integer(std::string_view key, const char* least,
                                            const char* most) const {
  const auto v = value(key, limited(STANDPIPE_INTEGER, least, most));
  return v ? std::optional(v->integer) : std::nullopt;
}

std::optional<std::uint64_t> Reader::size(std::string_view key, const std::string& least,
                                          const std::string& most) const {
  const auto v = value(key, limited(STANDPIPE_SIZE, least, most));
  return v ? std::optional(static_cast<std::uint64_t>(v->integer)) : std::nullopt;
}

std::optional<Nanoseconds> Reader::duration(std::string_view key, const char* least,
                                            const char* most) const {
  const auto v = value(key, limited(STANDPIPE_DURATION, least, most));
  return v ? std::optional(Nanoseconds(v->integer)) : std::nullopt;
}

// ---- values

void wrong_type(Context& context, const Field& field, std::string_view wanted,
                const std::string& remedy) {
  context.error(field.value->spot, "wrong-type",
                "'" + shown(field.name) + "' must be " + std::string(wanted),
                "this is " + std::string(kind_name(*field.value)) + "; " + remedy);
}

std::optional<std::string> text_of(Context& context, const Field& field, std::string_view wanted) {
  const auto& node = *field.value;
  if (node.kind != Kind::scalar) {
    const bool is_template = node.kind == Kind::map && node.entries.size() == 1 &&
                             node.entries[0].value->kind == Kind::null;  // {source}
    wrong_type(context, field, wanted,
               is_template ? "put a text that begins with { in quotes" : "give one value");
    return std::nullopt;
  }
  auto expanded = expand(node.text, context.lookup, kConfigBytesMax - context.expanded_bytes);
  if (!expanded.problem.empty()) {
    const auto& where = expanded.where;
    const auto spot =
        where.empty() ? node.spot : context.mistakes.documents().narrowed(node.spot, where);
    if (!where.empty() || !std::exchange(context.expanded_too_much, true))
      context.error(spot, "bad-variable", std::move(expanded.problem), std::move(expanded.label));
    return std::nullopt;
  }
  if (expanded.text.size() > node.text.size())
    context.expanded_bytes += expanded.text.size() - node.text.size();
  return std::move(expanded.text);
}

namespace {

// What a shell or a word processor would make of it, nobody does here.
bool is_plain_path(Context& context, const Field& field, const std::string& text) {
  const auto& spot = field.value->spot;
  if (text == "~" || text.starts_with("~/")) {
    context.error(spot, "bad-value", "'~' means nothing here",
                  "write ${HOME}" + shown(text.substr(1)));
    return false;
  }
  if (const auto name = variable_of_shell(field.value->text); !name.empty()) {
    context.error(spot, "bad-value", "'$" + shown(name) + "' means nothing here",
                  "write ${" + shown(name) + '}');
    return false;
  }
  for (const std::string_view quote : {"\u201c", "\u201d", "\u201e", "\u2018", "\u2019"})
    if (text.starts_with(quote)) {
      context.error(spot, "bad-value", "the path begins with '" + std::string(quote) + "'",
                    "quotes are \" and ' in YAML");
      return false;
    }
  return true;
}

}  // namespace

std::optional<plugin::Value> value_of(Context& context, const Field& field,
                                      const plugin::Option& option) {
  const auto text = text_of(context, field, wanted_name(option));
  if (!text) return std::nullopt;
  if (option.type == STANDPIPE_PATH && !is_plain_path(context, field, *text)) return std::nullopt;
  auto parsed = plugin::parse_value(option, *text, context.folder_of(field.value->spot));
  if (parsed.problem.empty()) return std::move(parsed.value);
  context.error(field.value->spot, code_of(option, *text),
                shortened(std::move(parsed.problem), *text),
                shortened(std::move(parsed.label), *text));
  return std::nullopt;
}

std::vector<Field> items_of(Context& context, const Field& field, const std::string& example) {
  std::vector<Field> items;
  if (field.value->kind != Kind::list) {
    wrong_type(
        context, field, "a list",
        has_dash(*field.value) ? "an item's '-' needs a space after it" : "write  " + example);
    return items;
  }
  for (const auto* item : field.value->items) {
    if (item->kind == Kind::null)
      context.error(item->spot, "no-value", "an item of '" + shown(field.name) + "' has no value",
                    "give it one, or remove it");
    else
      items.push_back({item->spot, field.name, item});
  }
  return items;
}

std::optional<unsigned> mode_of(Context& context, const Field& field) {
  const auto text = text_of(context, field, "a mode in octal and in quotes");
  if (!text) return std::nullopt;
  const auto mode = parse_mode(*text);
  if (mode && field.value->quoted) return mode;
  const auto& written = field.value->text;
  const bool is_variable = written.find("${") != std::string::npos;
  if (mode)
    context.error(field.value->spot, "unquoted-mode", "a mode without quotes",
                  "write \"" +
                      (is_variable ? shown(written) : (text->size() == 3 ? "0" : "") + *text) +
                      "\": unquoted, YAML programs disagree on what it is");
  else
    context.error(field.value->spot, "bad-mode", "'" + shown(*text) + "' is not a mode",
                  "write it in octal and in quotes, \"0600\" to \"0777\"");
  return std::nullopt;
}

}  // namespace standpipe::config
