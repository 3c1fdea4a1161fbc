// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/meta_block.h"

namespace test {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The fields of one message as bytes, as a block and a record have them.
inline std::vector<std::byte> fields_of(const Pairs& pairs) {
  standpipe::log::MetaBlockWriter block;
  for (const auto& [name, value] : pairs)
    if (!block.add(name, std::as_bytes(std::span(value)))) return {};
  block.end_message();
  const auto whole = block.finish();
  const auto fields = standpipe::log::MetaBlock::read(whole)->fields(0);
  return {fields.begin(), fields.end()};
}

// "a=1 b=2", and "?" after them if the rest is no field.
inline std::string fields_text(std::span<const std::byte> fields) {
  std::string out;
  standpipe::log::FieldReader in(fields);
  while (const auto field = in.next()) {
    const std::string value(reinterpret_cast<const char*>(field->value.data()),
                            field->value.size());
    out += (out.empty() ? "" : " ") + std::string(field->name) + '=' + value;
  }
  return in.ok() ? out : out + '?';
}

// Appends one message with metadata for the readers in `set`, as one index run; false: no room.
template <class Log>
bool append_described(Log& log, std::string_view frame, const Pairs& pairs, std::uint64_t set,
                      std::uint64_t time_ns) {
  standpipe::log::MetaBlockWriter block;
  block.add_fields(fields_of(pairs));
  block.end_message();
  const auto room = log.add_block(block.finish(), frame.size(), 1);
  if (room.empty()) return false;
  for (std::size_t i = 0; i < frame.size(); ++i) room[i] = static_cast<std::byte>(frame[i]);
  log.filled(frame.size());
  return log.add_run(frame.size(), 1, time_ns, 1, {&set, 1});
}

}  // namespace test
