// SPDX-License-Identifier: Apache-2.0
#include "changes.h"

#include "common/json_scan.h"

namespace transform {
namespace {

using common::JsonEdit;
using common::JsonPointer;
using Part = common::Template::Part;

JsonPointer pointer_of(std::string_view option, const std::string& text) {
  auto pointer = JsonPointer::parse(text);
  if (text.starts_with('/') && pointer) return std::move(*pointer);
  throw standpipe::fatal(std::string(option) + ": '" + text +
                         "' is no JSON pointer: it begins with a slash, as in /device/id, and in "
                         "names ~1 stands for a slash and ~0 for a tilde");
}

bool is_json(std::string_view text) { return common::JsonText().parse(text); }

}  // namespace

Value::Value(std::string_view text)
    : text_(text, {"set",
                   {Part::source, Part::sequence, Part::time, Part::size, Part::payload, Part::json,
                    Part::meta}}) {
  if (text_.has_placeholders()) return;
  std::string constant;
  for (const auto& piece : text_.pieces()) constant += piece.text;
  constant_ = is_json(constant) ? constant : common::json_quoted(constant);
}

// A single {json:...} is no text: the number or the list is copied as it is.
const JsonPointer* Value::copied() const {
  const auto& pieces = text_.pieces();
  const bool is_copy = pieces.size() == 1 && pieces[0].part == Part::json;
  return is_copy ? &pieces[0].pointer : nullptr;
}

std::optional<std::string> Value::json(const JsonEdit& came, common::Fields& fields) const {
  if (!constant_.empty()) return constant_;
  if (const auto* pointer = copied()) {
    if (const auto bytes = came.find(*pointer)) return std::string(*bytes);
  }
  std::string text;
  if (!fields.append(text, text_)) return std::nullopt;
  return common::json_quoted(text);
}

Changes::Changes(const standpipe::Options& options) {
  for (const auto& text : options.list("pick")) picks_.add(pointer_of("pick", text));
  for (const auto& text : options.list("remove")) removed_.push_back(pointer_of("remove", text));
  for (const auto& [from, to] : options.map("rename"))
    renamed_.push_back({pointer_of("rename", from), to});
  for (const auto& [at, text] : options.map("set"))
    set_.push_back({pointer_of("set", at), at, Value(text)});
}

std::string Changes::apply(std::string_view json, common::Fields& fields) const {
  const JsonEdit came(json);
  if (!came.has_fields())
    throw standpipe::reject("its payload is JSON, but neither an object nor a list");
  auto edit = came;
  if (!picks_.empty()) edit.pick(picks_);
  for (const auto& pointer : removed_) edit.remove(pointer);
  for (const auto& rename : renamed_) edit.rename(rename.from, rename.to);
  for (const auto& set : set_) {
    const auto value = set.value.json(came, fields);
    if (value && !edit.set(set.at, *value))
      throw standpipe::reject("there is no place for " + set.written +
                              " in it: what is on the way is neither an object nor a list with "
                              "such an item");
  }
  return edit.text();
}

}  // namespace transform
