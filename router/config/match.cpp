// SPDX-License-Identifier: Apache-2.0
#include "config/match.h"

#include "config/conditions.h"

namespace standpipe::config {
namespace {

std::vector<match::Rule> read_rules(Context& context, const Field& field) {
  std::vector<match::Rule> rules;
  for (const auto& item : items_of(context, field, field.name + ": [{ text: { prefix: ping } }]"))
    rules.push_back(read_rule(context, item, "a rule of '" + field.name + "'"));
  if (field.value->kind == Kind::list && field.value->items.empty())
    context.error(field.key, "empty-rule", "'" + field.name + "' has no rules",
                  "add one:  - text: { prefix: ping }");
  return rules;
}

match::Rule read_negated(Context& context, const Field& field) {
  if (field.value->kind == Kind::map && field.value->entries.empty())
    context.error(field.key, "empty-rule", "'not' has no condition, so nothing matches",
                  "add one:  text: { prefix: ping }");
  return read_rule(context, field, "'not'");
}

}  // namespace

match::Rule read_rule(Context& context, const Field& field, const std::string& what) {
  const Reader reader(context, *field.value, field.key,
                      {what,
                       "{ text: { prefix: ping } }",
                       {"text", "json", "meta", "size", "all", "any", "not"},
                       {},
                       "key",
                       false,
                       {{"equals", "text: { equals: ping }"},
                        {"prefix", "text: { prefix: ping }"},
                        {"suffix", "text: { suffix: pong }"},
                        {"contains", "text: { contains: pin }"},
                        {"regex", "text: { regex: '^ping' }"},
                        {"and", "all"},
                        {"or", "any"},
                        {"none", "not"}}});
  match::Rule rule;
  for (const auto& part : reader.fields()) {
    if (part.name == "text") read_text_conditions(context, part, rule.conditions);
    if (part.name == "json") read_json_conditions(context, part, rule.conditions);
    if (part.name == "meta") read_meta_conditions(context, part, rule.conditions);
    if (part.name == "size") read_size_conditions(context, part, rule.conditions);
    if (part.name == "all") rule.all = read_rules(context, part);
    if (part.name == "any") rule.any = read_rules(context, part);
    if (part.name == "not") rule.none.push_back(read_negated(context, part));
  }
  return rule;
}

}  // namespace standpipe::config
