// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_setup.h"

#include <bit>

#include "base/parts.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

std::string signed_text(std::int64_t number) { return std::to_string(number); }

std::int64_t signed_number(const std::string& text) { return parse_integer(text).value_or(0); }

std::string name_of(const char* what, std::size_t i) { return what + std::to_string(i); }

void write_items(const plugin::Value& value, const std::string& which, Parts& parts) {
  parts.set("items" + which, value.items.size());
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    parts.set(name_of(("key" + which + '.').c_str(), i), value.items[i].first);
    parts.set(name_of(("item" + which + '.').c_str(), i), value.items[i].second);
  }
}

void read_items(const Parts& parts, const std::string& which, plugin::Value& value) {
  const auto count = parts.number("items" + which);
  for (std::size_t i = 0; i < count; ++i)
    value.items.emplace_back(parts.text(name_of(("key" + which + '.').c_str(), i)),
                             parts.text(name_of(("item" + which + '.').c_str(), i)));
}

void write_value(const plugin::Value& value, std::size_t i, Parts& parts) {
  const auto which = std::to_string(i);
  parts.set("type" + which, value.type);
  parts.set("set" + which, value.is_set ? 1 : 0);
  parts.set("integer" + which, signed_text(value.integer));
  parts.set("real" + which, signed_text(std::bit_cast<std::int64_t>(value.real)));
  parts.set("text" + which, value.text);
  write_items(value, which, parts);
}

plugin::Value read_value(const Parts& parts, std::size_t i) {
  const auto which = std::to_string(i);
  plugin::Value value{.type = static_cast<std::uint32_t>(parts.number("type" + which)),
                      .is_set = parts.number("set" + which) != 0,
                      .integer = signed_number(parts.text("integer" + which)),
                      .real = std::bit_cast<double>(signed_number(parts.text("real" + which))),
                      .text = parts.text("text" + which)};
  read_items(parts, which, value);
  return value;
}

}  // namespace

Fd ChildSetup::write() const {
  Parts parts;
  parts.set("handler", handler);
  parts.set("id", id);
  parts.set("plugin", plugin);
  parts.set("source", is_source ? 1 : 0);
  parts.set("sha256", sha256);
  parts.set("declared", declared);
  parts.set("memory_max", memory_max);
  parts.set("user", user);
  parts.set("run", run);
  parts.set("worker", static_cast<std::uint64_t>(worker));
  parts.set("messages_offset", messages_offset);
  parts.set("messages_bytes", messages_bytes);
  parts.set("values", values.size());
  for (std::size_t i = 0; i < values.size(); ++i) write_value(values[i], i, parts);
  return parts.write("standpipe: handler");
}

ChildSetup ChildSetup::read(int file) {
  const auto parts = Parts::read(file);
  ChildSetup setup{.handler = parts.text("handler"),
                   .id = parts.number("id"),
                   .plugin = parts.text("plugin"),
                   .is_source = parts.number("source") != 0,
                   .sha256 = parts.text("sha256"),
                   .declared = parts.text("declared"),
                   .values = {},
                   .memory_max = parts.number("memory_max"),
                   .user = parts.text("user"),
                   .run = parts.text("run"),
                   .worker = static_cast<pid_t>(parts.number("worker")),
                   .messages_offset = parts.number("messages_offset"),
                   .messages_bytes = parts.number("messages_bytes")};
  const auto count = parts.number("values");
  for (std::size_t i = 0; i < count; ++i) setup.values.push_back(read_value(parts, i));
  return setup;
}

std::string ChildSetup::declaration(const plugin::Plugin& plugin) {
  std::string text;
  for (const auto& option : plugin.options)
    text += option.name + ' ' + std::to_string(option.type) + '\n';
  return text;
}

}  // namespace standpipe::deliver
