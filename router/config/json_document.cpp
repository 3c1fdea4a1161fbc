// SPDX-License-Identifier: Apache-2.0
#include "config/json_document.h"

#include "base/text.h"

namespace standpipe::config {

namespace {

constexpr std::size_t kLineBytes = 100;

}  // namespace

JsonDocument JsonDocument::text(std::string_view text) { return literal(json_string(text)); }

JsonDocument& JsonDocument::set(std::string_view key, JsonDocument value) {
  parts_.emplace_back(std::string(key), std::move(value));
  return *this;
}

JsonDocument& JsonDocument::add(JsonDocument value) {
  parts_.emplace_back(std::string(), std::move(value));
  return *this;
}

std::string JsonDocument::on_one_line() const {
  if (kind_ == Kind::scalar) return scalar_;
  std::string out;
  for (const auto& [key, value] : parts_) {
    if (!out.empty()) out += ", ";
    if (kind_ == Kind::object) out += json_string(key) + ": ";
    out += value.on_one_line();
  }
  return kind_ == Kind::object ? "{" + out + "}" : "[" + out + "]";
}

// `used`: what stands before it on its line, beside the indentation.
std::string JsonDocument::written(std::size_t indent, std::size_t used) const {
  auto line = on_one_line();
  if (kind_ == Kind::scalar || indent + used + line.size() < kLineBytes) return line;
  std::string out;
  for (const auto& [key, value] : parts_) {
    const auto before = kind_ == Kind::object ? json_string(key) + ": " : "";
    out += (out.empty() ? "\n" : ",\n") + std::string(indent + 2, ' ') + before +
           value.written(indent + 2, before.size());
  }
  out += '\n' + std::string(indent, ' ');
  return kind_ == Kind::object ? "{" + out + "}" : "[" + out + "]";
}

}  // namespace standpipe::config
