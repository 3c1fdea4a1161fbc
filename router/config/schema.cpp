// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "base/text.h"
#include "config/json_document.h"
#include "config/keys.h"
#include "config/options.h"

namespace standpipe::config {
namespace {

using Json = JsonDocument;

constexpr std::string_view kFreeKeys = "^(x-|<<$)";  // notes, and what an editor has not merged yet
constexpr std::string_view kNames = "^(x-.*|<<|[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})$";
constexpr std::string_view kMerges = "^<<$";
// RFC 6901: a slash before each name, and of `~` only ~0 and ~1.
constexpr std::string_view kPointers = "^(<<|(/([^~/]|~[01])*)*)$";
constexpr std::string_view kVariable = R"(\$\{)";

Json word(std::string_view text) { return Json::text(text); }
Json yes_or_no(bool is) { return Json::literal(is ? "true" : "false"); }

Json reference(std::string_view definition) {
  return Json::object().set("$ref", word("#/definitions/" + std::string(definition)));
}

Json of_type(std::string_view type) { return Json::object().set("type", word(type)); }

Json any_of(std::vector<Json> ways) {
  auto list = Json::list();
  for (auto& way : ways) list.add(std::move(way));
  return Json::object().set("anyOf", std::move(list));
}

Json matching(const std::string& pattern) {
  return of_type("string").set("pattern", word(pattern));
}

bool is_capitals(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

bool is_number(std::string_view text) { return parse_float(text).has_value(); }

// "routes[].match" as a name that needs no escaping in a reference.
std::string definition_name(std::string_view path) {
  std::string name = path.empty() ? "file" : std::string(path);
  for (std::size_t at; (at = name.find("[]")) != std::string::npos;) name.replace(at, 2, ".item");
  return name;
}

// ---- scalars, each also as a variable

std::string with_unit(std::string_view units) {
  return "^0$|^[0-9][0-9.]*(" + std::string(units) + ")$|" + std::string(kVariable);
}

void define_scalars(Json& definitions) {
  definitions.set(
      "text",
      Json::object().set(
          "type", Json::list().add(word("string")).add(word("number")).add(word("boolean"))));
  definitions.set("scalar", Json::object().set("type", Json::list()
                                                           .add(word("string"))
                                                           .add(word("number"))
                                                           .add(word("boolean"))
                                                           .add(word("null"))));
  const auto zero = Json::object().set("const", Json::literal("0"));
  const auto size = matching(with_unit("[kKMGT]B|[KMGT]iB|B"));
  definitions.set("variable", matching(std::string(kVariable)));
  definitions.set("size", any_of({size, zero}));
  definitions.set("bytes", any_of({size, of_type("integer").set("minimum", Json::literal("0")),
                                   matching("^[0-9]+$")}));
  definitions.set("duration", any_of({matching(with_unit("ns|us|ms|s|m|h|d")), zero}));
  definitions.set("boolean", any_of({of_type("boolean"), matching("^(true|false)$|\\$\\{")}));
  definitions.set("octal", matching("^[0-7]{3,4}$|\\$\\{"));
}

Json number(std::string_view type, std::string_view least, std::string_view most) {
  auto number = of_type(type);
  if (!least.empty()) number.set("minimum", Json::literal(least));
  if (!most.empty()) number.set("maximum", Json::literal(most));
  return any_of({std::move(number), matching("^[-+0-9.eE]+$|\\$\\{")});
}

// A choice that looks like a number is one to YAML.
Json choice(const std::vector<std::string>& words) {
  auto list = Json::list();
  for (const auto& each : words) {
    if (is_number(each)) list.add(Json::literal(each));
    list.add(word(each));
  }
  return any_of({Json::object().set("enum", std::move(list)), reference("variable")});
}

// ---- plugins

Json option_schema(const plugin::Option& option) {
  switch (option.type) {
    case STANDPIPE_INTEGER:
      return number("integer", option.minimum, option.maximum);
    case STANDPIPE_FLOAT:
      return number("number", option.minimum, option.maximum);
    case STANDPIPE_BOOLEAN:
      return reference("boolean");
    case STANDPIPE_DURATION:
      return reference("duration");
    case STANDPIPE_SIZE:
      return reference("size");
    case STANDPIPE_ENUM:
      return choice(option.choices);
    case STANDPIPE_LIST:
      return of_type("array").set("items", reference("text"));
    case STANDPIPE_MAP:
      return of_type("object").set("additionalProperties", reference("text"));
    default:
      return reference(is_mode(option) ? "octal" : "text");
  }
}

std::string option_description(const plugin::Option& option) {
  auto text = option.summary + '.';
  if (!option.fallback.empty()) text += " Default: " + option.fallback + '.';
  return text;
}

Json described(Json schema, std::string_view description) {
  return Json::object()
      .set("description", word(description))
      .set("anyOf", Json::list().add(std::move(schema)));
}

Json closed_object(Json properties, Json required) {
  auto schema = of_type("object")
                    .set("additionalProperties", yes_or_no(false))
                    .set("patternProperties", Json::object().set(kFreeKeys, yes_or_no(true)))
                    .set("properties", std::move(properties));
  if (!required.empty()) schema.set("required", std::move(required));
  return schema;
}

bool is_demanded(const plugin::Option& option) {  // a secret may stand in a file instead
  return option.required && option.type != STANDPIPE_SECRET;
}

// One for both, if they have the same options.
std::string definition_of(const plugin::Plugin& plugin, Role role) {
  const bool differs = std::any_of(plugin.options.begin(), plugin.options.end(),
                                   [](const auto& o) { return !o.of_handler || !o.of_source; });
  const auto name = "plugin." + plugin.name;
  return differs ? name + '.' + std::string(name_of(role)) : name;
}

Json plugin_schema(const plugin::Plugin& plugin, Role role) {
  auto properties = Json::object();
  auto required = Json::list();
  for (const auto& option : plugin.options) {
    if (!has_option(role, option)) continue;
    properties.set(option.name, described(option_schema(option), option_description(option)));
    if (option.type == STANDPIPE_SECRET)
      properties.set(option.name + "_file",
                     described(reference("text"), "A file that the secret stands in."));
    if (is_demanded(option)) required.add(word(option.name));
  }
  return closed_object(std::move(properties), std::move(required));
}

// What holds for a handler or a source of that plugin.
Json plugin_condition(const plugin::Plugin& plugin, Role role) {
  const auto is_it = Json::object().set("plugin", Json::object().set("const", word(plugin.name)));
  const auto options = Json::object().set("options", reference(definition_of(plugin, role)));
  auto then = Json::object().set("properties", options);
  if (std::any_of(plugin.options.begin(), plugin.options.end(),
                  [role](const auto& o) { return is_demanded(o) && has_option(role, o); }))
    then.set("required", Json::list().add(word("options")));
  return Json::object()
      .set(
          "if",
          Json::object().set("properties", is_it).set("required", Json::list().add(word("plugin"))))
      .set("then", std::move(then));
}

// ---- the declared keys

// One way for each key: it is there.
Json each_required(const std::vector<std::string_view>& keys) {
  auto ways = Json::list();
  for (const auto key : keys) ways.add(Json::object().set("required", Json::list().add(word(key))));
  return ways;
}

constexpr std::string_view kSourcePath = "sources.NAME";

class Writer {
 public:
  explicit Writer(const std::vector<const plugin::Plugin*>& plugins) : plugins_(plugins) {}
  std::string write();

 private:
  Json map_schema(const KeyMap& map) const;
  Json key_schema(const KeyMap& map, const Key& key) const;
  Json way(std::string_view written, const std::string& path, const Key& key) const;
  Json map_way(const std::string& path, const Key& key) const;
  Json list_way(const std::string& path, const Key& key) const;
  static Json values_way(const Key& key);
  std::vector<const plugin::Plugin*> plugins_of(std::string_view path) const;
  const KeyMap* find(std::string_view path) const;
  const KeyMap* of_names(const std::string& path) const;

  const std::vector<const plugin::Plugin*>& plugins_;
  const std::vector<KeyMap> maps_ = key_maps();
};

const KeyMap* Writer::find(std::string_view path) const {
  const auto at = std::find_if(maps_.begin(), maps_.end(), [&](auto& m) { return m.path == path; });
  return at == maps_.end() ? nullptr : &*at;
}

// What each value of a map with free keys is: "sources.NAME" for "sources".
const KeyMap* Writer::of_names(const std::string& path) const {
  const auto at = std::find_if(maps_.begin(), maps_.end(), [&](const KeyMap& m) {
    return m.path.starts_with(path + '.') && is_capitals(m.path.substr(path.size() + 1));
  });
  return at == maps_.end() ? nullptr : &*at;
}

// Those that a map of this path may name.
std::vector<const plugin::Plugin*> Writer::plugins_of(std::string_view path) const {
  const bool of_sources = path == kSourcePath;
  std::vector<const plugin::Plugin*> plugins;
  if (!of_sources && path != "handlers.NAME") return plugins;
  for (const auto* plugin : plugins_)
    if (of_sources ? plugin->is_source() : plugin->is_handler()) plugins.push_back(plugin);
  return plugins;
}

Json Writer::map_way(const std::string& path, const Key& key) const {
  const auto* map = find(key.shape.empty() ? std::string_view(path) : key.shape);
  auto schema = of_type("object");
  if (!key.least.empty()) schema.set("minProperties", Json::literal(key.least));
  if (map) return schema.set("allOf", Json::list().add(reference(definition_name(map->path))));
  const auto* names = of_names(path);
  if (!names) return schema;
  auto each = reference(definition_name(names->path));
  auto alone = key;  // whose limits are those of the whole map
  alone.least.clear();
  alone.most.clear();
  if (!names->alone.empty()) each = any_of({way(names->alone, path, alone), std::move(each)});
  const bool is_section = path.find_first_of(".[") == path.npos;  // its names are those of parts
  const bool are_pointers = names->path.ends_with(".POINTER");
  if (is_section || are_pointers)
    schema.set("propertyNames",
               Json::object().set("pattern", word(is_section ? kNames : kPointers)));
  // What messages are asked for may begin with x- itself.
  const auto free = path.starts_with("routes[].match") ? kMerges : kFreeKeys;
  return schema.set("patternProperties", Json::object().set(free, yes_or_no(true)))
      .set("additionalProperties", std::move(each));
}

Json Writer::list_way(const std::string& path, const Key& key) const {
  const auto* item = find(key.shape.empty() ? path + "[]" : std::string(key.shape));
  if (!item) item = find(path);
  auto schema = of_type("array");
  if (!key.least.empty()) schema.set("minItems", Json::literal(key.least));
  const bool are_names = key.value.starts_with("SOURCE") || key.value.starts_with("HANDLER");
  if (are_names) schema.set("uniqueItems", yes_or_no(true));
  return schema.set("items", reference(item ? definition_name(item->path) : "text"));
}

Json Writer::values_way(const Key& key) {
  auto schema = of_type("array");
  if (!key.least.empty()) schema.set("minItems", Json::literal(key.least));
  return schema.set("items", reference("scalar"));
}

Json Writer::way(std::string_view written, const std::string& path, const Key& key) const {
  if (written == "MAP") return map_way(path, key);
  if (written == "LIST") return list_way(path, key);
  if (written == "SIZE") return reference("size");
  if (written == "BYTES") return reference("bytes");
  if (written == "DURATION") return reference("duration");
  if (written == "BOOLEAN") return reference("boolean");
  if (written == "NUMBER") return number("integer", key.least, key.most);
  if (written == "\"OCTAL\"") return reference("octal");
  if (written == "SCALAR") return reference("scalar");
  if (written == "VALUE") return Json::object();
  if (written == "VALUES") return values_way(key);
  return reference("text");
}

Json Writer::key_schema(const KeyMap& map, const Key& key) const {
  const auto path = map.path.empty() ? std::string(key.name)
                                     : std::string(map.path) + '.' + std::string(key.name);
  std::vector<Json> ways;
  std::vector<std::string> choices;
  for (auto rest = key.value; !rest.empty();) {
    const auto end = std::min(rest.find(" | "), rest.size());
    const auto each = rest.substr(0, end);
    if (is_capitals(each) || each.starts_with('"'))
      ways.push_back(way(each, path, key));
    else
      choices.emplace_back(each);
    rest.remove_prefix(std::min(end + 3, rest.size()));
  }
  if (key.name == "plugin")  // so that editors offer their names
    for (const auto* plugin : plugins_of(map.path)) choices.push_back(plugin->name);
  if (!choices.empty()) ways.push_back(choice(choices));
  auto text = std::string(key.summary);
  if (!key.fallback.empty()) text += " Default: " + key.fallback + '.';
  auto list = Json::list();
  std::set<std::string> there;  // NAME and PATH are both text
  for (auto& each : ways)
    if (there.insert(each.written()).second) list.add(std::move(each));
  return Json::object().set("description", word(text)).set("anyOf", std::move(list));
}

Json Writer::map_schema(const KeyMap& map) const {
  auto properties = Json::object();
  auto required = Json::list();
  for (const auto& key : map.keys) {
    if (is_capitals(key.name))
      return of_type("object")
          .set("patternProperties", Json::object().set(kFreeKeys, yes_or_no(true)))
          .set("additionalProperties", key_schema(map, key));
    if (key.effect == Effect::later) continue;  // the loader refuses it
    properties.set(key.name, key_schema(map, key));
    if (key.required && !map.path.empty()) required.add(word(key.name));
  }
  auto schema = closed_object(std::move(properties), std::move(required));
  if (map.not_empty) schema.set("minProperties", Json::literal("1"));
  if (!map.one_of.empty()) schema.set("oneOf", each_required(map.one_of));
  const auto plugins = plugins_of(map.path);
  if (plugins.empty()) return schema;
  auto conditions = Json::list();
  const auto role = map.path == kSourcePath ? Role::source : Role::handler;
  for (const auto* plugin : plugins) conditions.add(plugin_condition(*plugin, role));
  return schema.set("allOf", std::move(conditions));
}

std::string Writer::write() {
  auto definitions = Json::object();
  define_scalars(definitions);
  for (const auto& map : maps_) definitions.set(definition_name(map.path), map_schema(map));
  for (const auto* plugin : plugins_)
    for (const auto role : {Role::handler, Role::source})
      if (role == Role::source ? plugin->is_source() : plugin->is_handler())
        definitions.set(definition_of(*plugin, role), plugin_schema(*plugin, role));
  return Json::object()
             .set("$schema", word("http://json-schema.org/draft-07/schema#"))
             .set("$comment", word("Made by `standpipe schema`."))
             .set("title", word("A configuration of Standpipe"))
             .set("allOf", Json::list().add(reference("file")))
             .set("definitions", std::move(definitions))
             .written() +
         '\n';
}

}  // namespace

std::string schema(const std::vector<const plugin::Plugin*>& plugins) {
  return Writer(plugins).write();
}

}  // namespace standpipe::config
