// SPDX-License-Identifier: Apache-2.0
#include "config/match.h"

#include <algorithm>

#include "base/text.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

void check_not_empty(Context& context, const Field& field, const Reader& reader, const char* label) {
  if (reader.is_empty()) context.error(field.key, "empty-rule", "'" + field.name + "' has no condition", label);
}

match::TextRule read_text(Context& context, const Field& field) {
  const Reader reader(context, *field.value, field.key,
                      {"'text'",
                       "text: { prefix: ping }",
                       {"equals", "prefix", "suffix", "contains"},
                       {{"regex", "use equals, prefix, suffix or contains"}}});
  check_not_empty(context, field, reader, "add equals, prefix, suffix or contains");
  return {reader.text("equals"), reader.text("prefix"), reader.text("suffix"), reader.text("contains")};
}

// A count of bytes: unlike the sizes of things that take memory, it may stand without a unit.
std::optional<std::uint64_t> read_bytes(Context& context, const Reader& reader, const char* key) {
  const auto* field = reader.find(key);
  const auto text = field ? text_of(context, *field, "a size") : std::nullopt;
  if (!text) return std::nullopt;
  if (const auto bare = parse_integer(*text); bare && *bare >= 0) return static_cast<std::uint64_t>(*bare);
  if (const auto size = parse_size(*text)) return size;
  context.error(field->value->spot, "bad-value", "'" + shown(*text) + "' is no size", "write bytes: 100, 64KiB, 16MiB");
  return std::nullopt;
}

bool can_match(const match::SizeRule& rule) {
  const auto least = std::max(rule.gte.value_or(0), rule.gt ? *rule.gt + 1 : 0);
  const auto most = std::min(rule.lte.value_or(UINT64_MAX), rule.lt ? *rule.lt - 1 : UINT64_MAX);
  return !(rule.lt && *rule.lt == 0) && least <= most;
}

match::SizeRule read_size(Context& context, const Field& field) {
  const Reader reader(context, *field.value, field.key, {"'size'", "size: { gte: 100 }", {"gt", "gte", "lt", "lte"}});
  check_not_empty(context, field, reader, "add gt, gte, lt or lte");
  const auto bytes = [&](const char* key) { return read_bytes(context, reader, key); };
  const match::SizeRule rule{bytes("gt"), bytes("gte"), bytes("lt"), bytes("lte")};
  if (!can_match(rule)) context.error(field.key, "never-matches", "no message has such a size", "the limits exclude each other");
  return rule;
}

std::vector<match::Rule> read_rules(Context& context, const Field& field) {
  std::vector<match::Rule> rules;
  for (const auto& item : items_of(context, field, field.name + ": [{ text: { prefix: ping } }]"))
    rules.push_back(read_rule(context, item, "a rule of '" + field.name + "'"));
  if (field.value->kind == Kind::list && field.value->items.empty())
    context.error(field.key, "empty-rule", "'" + field.name + "' has no rules", "add one:  - text: { prefix: ping }");
  return rules;
}

match::Rule read_negated(Context& context, const Field& field) {
  if (field.value->kind == Kind::map && field.value->entries.empty())
    context.error(field.key, "empty-rule", "'not' has no condition, so nothing matches", "add one:  text: { prefix: ping }");
  return read_rule(context, field, "'not'");
}

}  // namespace

match::Rule read_rule(Context& context, const Field& field, const std::string& what) {
  const Reader reader(context, *field.value, field.key,
                      {what,
                       "{ text: { prefix: ping } }",
                       {"text", "size", "all", "any", "not"},
                       {{"json", "use text or size"}, {"meta", "use text or size; 'from' tells sources apart"}}});
  match::Rule rule;
  if (const auto* text = reader.find("text")) rule.text = read_text(context, *text);
  if (const auto* size = reader.find("size")) rule.size = read_size(context, *size);
  if (const auto* all = reader.find("all")) rule.all = read_rules(context, *all);
  if (const auto* any = reader.find("any")) rule.any = read_rules(context, *any);
  if (const auto* negated = reader.find("not")) rule.none.push_back(read_negated(context, *negated));
  return rule;
}

}  // namespace standpipe::config
