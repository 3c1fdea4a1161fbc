// SPDX-License-Identifier: Apache-2.0
#include "config/json_value.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "config/names.h"
#include "match/number.h"

namespace standpipe::config {
namespace {

bool has_only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_nothing_or_infinite(std::string_view text) {
  for (const std::string_view word : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
    if (text == word) return true;
  return false;
}

// A number for some YAML program, as 0x1f, 0o17, 010, 1_000, +5, .5, 5. and .inf are.
bool is_number_of_yaml(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  if (text.starts_with('+') || text.starts_with('-')) text.erase(0, 1);
  if (text.starts_with("0x")) return has_only(text.substr(2), "0123456789abcdefABCDEF");
  if (text.starts_with("0o")) return has_only(text.substr(2), "01234567");
  return is_nothing_or_infinite(text) || parse_float(text) || has_only(text, "0123456789");
}

}  // namespace

std::optional<match::Operand> json_value_of(Context& context, const Field& field) {
  using match::Operand;
  using match::Value;
  const auto& node = *field.value;
  if (node.kind == Kind::null) return Operand(Value::null());
  const auto text = text_of(context, field, "text, a number, true, false or null");
  if (!text) return std::nullopt;
  if (node.quoted) return Operand(Value::string(*text));
  if (*text == "null") return Operand(Value::null());  // a variable's
  if (const auto boolean = parse_boolean(*text)) return Operand(Value::boolean(*boolean));
  std::string digits;
  if (const auto number = match::json_number(*text, digits)) return Operand(*number);
  if (is_number_of_yaml(*text)) {
    context.error(node.spot, "bad-value", "'" + shown(*text) + "' is no number of JSON",
                  "write it as JSON does, as in 16, 0.5 or 1e3; in quotes, if text is meant");
    return std::nullopt;
  }
  return Operand(Value::string(*text));
}

}  // namespace standpipe::config
