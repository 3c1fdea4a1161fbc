// SPDX-License-Identifier: Apache-2.0
#include "config/conditions.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/text.h"
#include "config/json_value.h"
#include "config/names.h"
#include "match/number.h"

namespace standpipe::config {
namespace {

using match::Condition;
using match::Op;
using match::Operand;
using match::Subject;
using match::Value;
using Conditions = std::vector<Condition>;

struct NamedOp {
  std::string_view name;
  Op op;
};
constexpr std::array kTextOps{NamedOp{"equals", Op::eq}, NamedOp{"prefix", Op::prefix},
                              NamedOp{"suffix", Op::suffix}, NamedOp{"contains", Op::contains},
                              NamedOp{"regex", Op::regex}};
std::vector<Synonym> synonyms_of_text_ops() {
  return {{"eq", "equals"},          {"is", "equals"},       {"startswith", "prefix"},
          {"starts_with", "prefix"}, {"endswith", "suffix"}, {"ends_with", "suffix"},
          {"matches", "regex"},      {"pattern", "regex"}};
}

std::vector<Synonym> synonyms_of_order_ops() {
  return {{">", "gt"}, {">=", "gte"}, {"<", "lt"}, {"<=", "lte"}, {"min", "gte"}, {"max", "lte"}};
}

std::vector<Synonym> synonyms_of_json_ops() {
  auto all = synonyms_of_order_ops();
  for (const auto& [word, meant] :
       std::initializer_list<std::pair<const char*, const char*>>{{"=", "eq"},
                                                                  {"==", "eq"},
                                                                  {"equals", "eq"},
                                                                  {"!=", "ne"},
                                                                  {"not", "ne"},
                                                                  {"one_of", "in"},
                                                                  {"prefix", "regex: '^ping'"},
                                                                  {"suffix", "regex: 'pong$'"},
                                                                  {"contains", "regex: pin"}})
    all.push_back({word, meant});
  return all;
}

constexpr std::array kOrderOps{NamedOp{"gt", Op::gt}, NamedOp{"gte", Op::gte},
                               NamedOp{"lt", Op::lt}, NamedOp{"lte", Op::lte}};

void check_not_empty(Context& context, const Field& field, const Reader& reader,
                     const char* label) {
  if (reader.is_empty())
    context.error(field.key, "empty-rule", "'" + shown(field.name) + "' has no condition", label);
}

match::Place place_of(const Context& context, const Spot& spot) {
  const auto& document = context.mistakes.documents().of(spot);
  return {document.file(), spot.line, document.column(spot)};
}

// A condition that `like` says the subject of.
Condition made(const Context& context, const Condition& like, Op op, const Spot& spot) {
  auto condition = like;
  condition.op = op;
  condition.place = place_of(context, spot);
  return condition;
}

void read_regex(Context& context, const Field& field, Condition condition, Conditions& conditions) {
  const auto pattern = text_of(context, field);
  if (!pattern) return;
  auto compiled = context.regexes.compile(*pattern);
  if (!compiled.regex) {
    return context.error(field.value->spot, "bad-regex",
                         "'" + shown(*pattern) + "' is not a regular expression",
                         shown(compiled.problem));
  }
  condition.regex = std::move(compiled.regex);
  condition.operands.emplace_back(Value::string(*pattern));
  conditions.push_back(std::move(condition));
}

void read_exists(Context& context, const Reader& reader, const Condition& like,
                 Conditions& conditions) {
  const auto wanted = reader.boolean("exists");
  if (!wanted) return;
  auto condition = made(context, like, Op::exists, reader.find("exists")->key);
  condition.operands.emplace_back(Value::boolean(*wanted));
  conditions.push_back(std::move(condition));
}

// What `reader` has of equals, prefix, suffix, contains and regex.
void read_text_ops(Context& context, const Reader& reader, const Condition& like,
                   Conditions& conditions) {
  for (const auto& field : reader.fields()) {
    const auto* op = std::find_if(kTextOps.begin(), kTextOps.end(),
                                  [&](const NamedOp& o) { return o.name == field.name; });
    if (op == kTextOps.end()) continue;
    auto condition = made(context, like, op->op, field.key);
    if (op->op == Op::regex) {
      read_regex(context, field, std::move(condition), conditions);
    } else if (const auto text = text_of(context, field)) {
      condition.operands.emplace_back(Value::string(*text));
      conditions.push_back(std::move(condition));
    }
  }
}

// ---- size

// A count of bytes: unlike the sizes of things that take memory, it may stand without a unit.
std::optional<std::uint64_t> read_bytes(Context& context, const Field& field) {
  const auto text = text_of(context, field, "a size");
  if (!text) return std::nullopt;
  if (const auto bare = parse_integer(*text); bare && *bare >= 0)
    return static_cast<std::uint64_t>(*bare);
  if (const auto size = parse_size(*text)) return size;
  context.error(field.value->spot, "bad-value", "'" + shown(*text) + "' is not a size",
                "write bytes: 100, 64KiB, 16MiB");
  return std::nullopt;
}

// Whether some size is within all of these limits.
bool is_any_size_within(const Conditions& limits) {
  std::uint64_t least = 0, most = UINT64_MAX;
  for (const auto& limit : limits) {
    const auto bytes = limit.operands[0].value().bits();
    if (limit.op == Op::lt && bytes == 0) return false;
    if (limit.op == Op::gt) least = std::max(least, bytes + 1);
    if (limit.op == Op::gte) least = std::max(least, bytes);
    if (limit.op == Op::lt) most = std::min(most, bytes - 1);
    if (limit.op == Op::lte) most = std::min(most, bytes);
  }
  return least <= most;
}

// ---- json

// Inside of { } a variable must be in quotes, and in quotes it is text.
std::string unquoted_remedy(const Field& field) {
  return field.value->text.find("${") == std::string::npos
             ? "remove the quotes to compare numbers"
             : "to compare numbers, write it on a line of its own, without { } and quotes:  " +
                   field.name + ": " + shown(field.value->text);
}

// One value of the document: what follows a pointer.
class JsonReader {
 public:
  JsonReader(Context& context, const Field& field, match::Pointer pointer, Conditions& conditions)
      : context_(context),
        field_(field),
        like_{
            .subject = Subject::json, .op = Op::eq, .operands = {}, .pointer = std::move(pointer)},
        conditions_(conditions) {}
  void read();

 private:
  void add(Op op, const Spot& spot, Operand operand);
  void read_ops();
  void read_op(const Reader& reader, const Field& field);
  void read_order(Op op, const Field& field);
  void read_choices(const Field& field);

  Context& context_;
  const Field& field_;
  Condition like_;
  Conditions& conditions_;
};

void JsonReader::read() {
  if (field_.value->kind == Kind::map) return read_ops();
  if (field_.value->kind == Kind::list)
    return wrong_type(context_, field_, "one value, or a map of conditions",
                      "for one of several, write  { in: [a, b] }");
  if (const auto value = json_value_of(context_, field_)) add(Op::eq, field_.key, *value);
}

void JsonReader::add(Op op, const Spot& spot, Operand operand) {
  auto condition = made(context_, like_, op, spot);
  condition.operands.push_back(std::move(operand));
  conditions_.push_back(std::move(condition));
}

void JsonReader::read_ops() {
  const Reader reader(context_, *field_.value, field_.key,
                      {.what = "the conditions on '" + shown(field_.name) + "'",
                       .example = "{ gte: 1000 }",
                       .keys = {"eq", "ne", "gt", "gte", "lt", "lte", "in", "regex", "exists"},
                       .null_is_value = true,
                       .synonyms = synonyms_of_json_ops()});
  check_not_empty(context_, field_, reader, "give a value, or eq, gte, in, regex, exists ...");
  for (const auto& field : reader.fields()) read_op(reader, field);
}

void JsonReader::read_op(const Reader& reader, const Field& field) {
  const auto is_null = field.value->kind == Kind::null;
  if (field.name == "eq" || field.name == "ne") {
    const auto value = json_value_of(context_, field);
    if (value) add(field.name == "eq" ? Op::eq : Op::ne, field.key, *value);
  } else if (is_null) {
    context_.error(field.key, "no-value", "'" + field.name + "' has no value",
                   "give it one, or remove it");
  } else if (field.name == "in") {
    read_choices(field);
  } else if (field.name == "regex") {
    read_regex(context_, field, made(context_, like_, Op::regex, field.key), conditions_);
  } else if (field.name == "exists") {
    read_exists(context_, reader, like_, conditions_);
  } else {
    for (const auto& [name, op] : kOrderOps)
      if (name == field.name) read_order(op, field);
  }
}

// Text that looks like a number would be compared as text, which nobody wants who writes it.
void JsonReader::read_order(Op op, const Field& field) {
  const auto value = json_value_of(context_, field);
  if (!value) return;
  const auto v = value->value();
  const auto& spot = field.value->spot;
  if (!v.is_number() && !v.is_string())
    return context_.error(spot, "bad-value", "nothing is ordered by " + v.shown(),
                          "give a number, or text");
  if (v.is_string() && match::is_json_number(v.text()))
    return context_.error(spot, "bad-value", "'" + field.name + "' compares text with " + v.shown(),
                          unquoted_remedy(field));
  add(op, field.key, *value);
}

void JsonReader::read_choices(const Field& field) {
  auto condition = made(context_, like_, Op::in, field.key);
  if (field.value->kind != Kind::list)
    return wrong_type(context_, field, "a list", "write  in: [a, b]");
  for (const auto* item : field.value->items)
    if (auto value = json_value_of(context_, {item->spot, field.name, item}))
      condition.operands.push_back(std::move(*value));
  if (field.value->items.empty())
    context_.error(field.key, "empty-rule", "'in' has no values, so nothing matches",
                   "add one:  in: [a, b]");
  if (condition.operands.size() == field.value->items.size())
    conditions_.push_back(std::move(condition));
}

void read_meta_value(Context& context, const Field& field, Conditions& conditions) {
  const Condition like{.subject = Subject::meta, .op = Op::eq, .operands = {}, .name = field.name};
  if (field.value->kind != Kind::map) {
    const auto text = text_of(context, field);
    if (!text) return;
    auto condition = made(context, like, Op::eq, field.key);
    condition.operands.emplace_back(Value::string(*text));
    conditions.push_back(std::move(condition));
    return;
  }
  const Reader reader(context, *field.value, field.key,
                      {"the conditions on '" + shown(field.name) + "'",
                       "{ prefix: ping }",
                       {"equals", "prefix", "suffix", "contains", "regex", "exists"},
                       {},
                       "key",
                       false,
                       synonyms_of_text_ops()});
  check_not_empty(context, field, reader, "add equals, prefix, suffix, contains, regex or exists");
  read_text_ops(context, reader, like, conditions);
  read_exists(context, reader, like, conditions);
}

}  // namespace

void read_text_conditions(Context& context, const Field& field, Conditions& conditions) {
  const Reader reader(context, *field.value, field.key,
                      {"'text'",
                       "text: { prefix: ping }",
                       {"equals", "prefix", "suffix", "contains", "regex"},
                       {},
                       "key",
                       false,
                       synonyms_of_text_ops()});
  check_not_empty(context, field, reader, "add equals, prefix, suffix, contains or regex");
  read_text_ops(context, reader, {.subject = Subject::text, .op = Op::eq, .operands = {}},
                conditions);
}

void read_size_conditions(Context& context, const Field& field, Conditions& conditions) {
  const Reader reader(context, *field.value, field.key,
                      {"'size'",
                       "size: { gte: 100 }",
                       {"gt", "gte", "lt", "lte"},
                       {},
                       "key",
                       false,
                       synonyms_of_order_ops()});
  check_not_empty(context, field, reader, "add gt, gte, lt or lte");
  Conditions limits;
  for (const auto& limit : reader.fields())
    for (const auto& [name, op] : kOrderOps) {
      const auto bytes = name == limit.name ? read_bytes(context, limit) : std::nullopt;
      if (!bytes) continue;
      limits.push_back(
          made(context, {.subject = Subject::size, .op = op, .operands = {}}, op, limit.key));
      limits.back().operands.emplace_back(Value::natural(*bytes));
    }
  if (!is_any_size_within(limits))
    context.error(field.key, "never-matches", "no message has such a size",
                  "the limits exclude each other");
  std::move(limits.begin(), limits.end(), std::back_inserter(conditions));
}

void read_json_conditions(Context& context, const Field& field, Conditions& conditions) {
  const auto reader = Reader::of_names(
      context, *field.value,
      {.what = "'json'", .example = "json: { /type: order }", .keys = {}, .null_is_value = true},
      Reader::Notes::kept);
  check_not_empty(context, field, reader, "add one:  /type: order");
  for (const auto& value : reader.fields()) {
    auto pointer = match::parse_pointer(value.name);
    if (auto* good = std::get_if<match::Pointer>(&pointer))
      JsonReader(context, value, std::move(*good), conditions).read();
    else
      context.error(value.key, "bad-pointer", "'" + shown(value.name) + "' is not a JSON pointer",
                    shown(std::get<std::string>(pointer)));
  }
}

void read_meta_conditions(Context& context, const Field& field, Conditions& conditions) {
  const auto reader = Reader::of_names(context, *field.value,
                                       {"'meta'", "meta: { fifo: { prefix: /run/app/ } }", {}},
                                       Reader::Notes::kept);
  check_not_empty(context, field, reader, "add one:  fifo: { prefix: /run/app/ }");
  for (const auto& name : reader.fields()) read_meta_value(context, name, conditions);
}

}  // namespace standpipe::config
