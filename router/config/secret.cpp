// SPDX-License-Identifier: Apache-2.0
#include "config/secret.h"

#include "config/document.h"
#include "config/names.h"

namespace standpipe::config {

std::optional<std::string> read_secret_file(Context& context, const Field& field) {
  const auto path = value_of(context, field, {.type = STANDPIPE_PATH, .name = field.name});
  if (!path) return std::nullopt;
  auto read = read_whole(path->text);
  if (auto* problem = std::get_if<Diagnostic>(&read)) {
    problem->code = "unreadable-secret";
    problem->label = "the secret is to stand in this file";
    context.mistakes.add(field.value->spot, std::move(*problem));
    return std::nullopt;
  }
  auto text = std::get<std::string>(std::move(read));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) {
    context.error(field.value->spot, "unreadable-secret", shown(path->text) + " is empty",
                  "write the secret into it");
    return std::nullopt;
  }
  return text;
}

}  // namespace standpipe::config
