// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/wanted.h"

#include <algorithm>
#include <variant>

#include "base/text.h"
#include "match/pointer.h"
#include "match/value.h"

namespace standpipe::rehearsal {
namespace {

using config::JsonWanted;
using match::Value;

constexpr std::size_t kShownBytes = 160;
constexpr std::size_t kShownBefore = 40;  // of what is the same

Difference texts_differ(std::string_view wanted, std::string_view got, const char* what) {
  const auto same = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end()).first;
  const auto at = static_cast<std::size_t>(same - wanted.begin());
  return {what + shown_payload(wanted, at), shown_payload(got, at),
          at > 0 ? "from byte " + thousands(at + 1) + " on" : ""};
}

const char* name_of(JsonWanted::Kind kind) {
  return kind == JsonWanted::Kind::object ? "an object" : "an array";
}

std::string where_of(const JsonWanted& wanted) {
  return wanted.pointer.empty() ? "the document" : escaped(wanted.pointer);
}

match::Pointer pointer_to(const std::string& text) {
  auto parsed = match::parse_pointer(text);
  auto* pointer = std::get_if<match::Pointer>(&parsed);
  return pointer ? std::move(*pointer) : match::Pointer{.written = text};
}

std::optional<Difference> lists_differ(const JsonWanted& wanted, const match::Json& json) {
  const auto kind =
      wanted.kind == JsonWanted::Kind::object ? Value::Kind::object : Value::Kind::array;
  const auto seen = json.find(pointer_to(wanted.pointer));
  if (seen.kind() != kind)
    return Difference{where_of(wanted) + " is " + name_of(wanted.kind),
                      seen.is_missing() ? "it is not there" : seen.shown(), ""};
  if (wanted.kind == JsonWanted::Kind::object ||
      json.find(pointer_to(wanted.pointer + '/' + std::to_string(wanted.items))).is_missing())
    return std::nullopt;  // that it has no fewer is found item by item
  return Difference{where_of(wanted) + " has " + counted(wanted.items, "item"), "it has more", ""};
}

// `wanted` is parsed by the same parser, so that numbers compare as they do in routes.
std::optional<Difference> scalars_differ(const JsonWanted& wanted, const match::Json& json) {
  match::Json other;
  (void)other.parse(wanted.text);
  const auto value = other.find(pointer_to(""));
  const auto seen = json.find(pointer_to(wanted.pointer));
  if (seen == value) return std::nullopt;
  return Difference{where_of(wanted) + " = " + value.shown(),
                    seen.is_missing() ? where_of(wanted) + " is not there"
                                      : where_of(wanted) + " = " + seen.shown(),
                    ""};
}

std::optional<Difference> json_differs(const config::PayloadWanted& wanted,
                                       std::string_view payload, match::Json& json) {
  if (json.parse(payload) != match::Json::Verdict::good)
    return Difference{"JSON", shown_payload(payload), ""};
  for (const auto& each : wanted.json)
    if (auto found = each.kind == JsonWanted::Kind::scalar ? scalars_differ(each, json)
                                                           : lists_differ(each, json))
      return found;
  return std::nullopt;
}

}  // namespace

std::optional<Difference> difference(const config::PayloadWanted& wanted, std::string_view payload,
                                     match::Json& json) {
  if (wanted.payload && payload != *wanted.payload)
    return texts_differ(*wanted.payload, payload, "");
  if (wanted.prefix && !payload.starts_with(*wanted.prefix))
    return texts_differ(*wanted.prefix, payload.substr(0, wanted.prefix->size()), "prefix ");
  if (!wanted.json.empty()) return json_differs(wanted, payload, json);
  return std::nullopt;
}

std::string shown_payload(std::string_view payload, std::size_t at) {
  if (payload.empty()) return "(empty)";
  const auto from = payload.size() > kShownBytes && at > kShownBefore ? at - kShownBefore : 0;
  const auto part = payload.substr(std::min(from, payload.size()), kShownBytes);
  return (from > 0 ? "..." : "") + escaped(part) +
         (from + part.size() < payload.size() ? "..." : "");
}

}  // namespace standpipe::rehearsal
