// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes templates: the first line is one, the rest a payload. Whatever they are, a template is
// refused or read, a payload is looked into without reading beyond it, and what comes out is a part
// of a file's name from which the value can be had back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fields.h"
#include "common/file_name.h"
#include "common/template.h"
#include "common/utf8.h"

using common::Template;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string decoded(std::string_view name) {
  std::string value;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      value += name[i];
      continue;
    }
    value += static_cast<char>(std::stoi(std::string(name.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return value;
}

void check_name(std::string_view value) {
  const auto name = common::file_name(value, SIZE_MAX - 1);
  check(common::is_utf8(name) && !name.starts_with('.'));
  for (const char c : name) check(c != '/' && static_cast<unsigned char>(c) >= 0x20);
  check(decoded(name) == value);
}

// The template, or nothing when it is refused.
std::unique_ptr<Template> template_of(std::string_view text) {
  using Part = Template::Part;
  try {
    return std::make_unique<Template>(
        text, Template::Place{"it",
                              {Part::source, Part::sequence, Part::time, Part::size, Part::payload,
                               Part::json, Part::meta}});
  } catch (const standpipe::fatal& refused) {
    check(std::string_view(refused.what()).starts_with("it: "));
    return nullptr;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(input.find('\n'), size);
  const auto read = template_of(input.substr(0, line));
  if (!read) return 0;
  const auto payload = input.substr(std::min(line + 1, size));
  const auto exact = std::make_unique<std::uint8_t[]>(payload.size());  // a byte more is seen
  std::copy(payload.begin(), payload.end(), exact.get());
  standpipe_message row{};
  row.data = exact.get();
  row.size = payload.size();
  standpipe_batch batch{};
  batch.size = sizeof batch;
  batch.count = 1;
  batch.stride = sizeof row;
  batch.messages = &row;
  common::Fields fields;
  fields.look_at(standpipe::Message(row, batch));
  for (const auto& piece : read->pieces()) {
    if (const auto text = fields.text(piece))
      check_name(*text);
    else
      check(!piece.fallback && !fields.why_missing(piece).empty());
  }
  return 0;
}
