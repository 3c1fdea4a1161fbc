// SPDX-License-Identifier: Apache-2.0
#include "outgoing.h"

#include <algorithm>
#include <array>

#include "topics.h"

namespace kafka {
namespace {

using common::Template;
using Part = Template::Part;

// What the source gives: where a record was is no header of the next one.
constexpr std::array<std::string_view, 6> kPlace = {"key",    "topic",     "partition",
                                                    "offset", "timestamp", "tombstone"};

// Of a template without placeholders; of others, nothing.
std::string fixed_text(const Template& shape) {
  if (shape.has_placeholders() || shape.pieces().empty()) return {};
  return shape.pieces().front().text;
}

Template topic_of(const standpipe::Options& options) {
  Template shape(options.text("topic"), {"topic", {Part::source, Part::json, Part::meta}});
  const auto fixed = fixed_text(shape);
  const auto fault = shape.has_placeholders() ? std::string() : topic_name_fault(fixed);
  if (!fault.empty()) throw standpipe::fatal("topic: " + fault);
  return shape;
}

const std::vector<Part> kAll = {Part::source,  Part::sequence, Part::time, Part::size,
                                Part::payload, Part::json,     Part::meta};

}  // namespace

Outgoing::Outgoing(const standpipe::Options& options)
    : topic_shape_(topic_of(options)),
      fixed_topic_(fixed_text(topic_shape_)),
      id_header_(options.text("id_header")),
      sends_metadata_(options.boolean("metadata")),
      topic_(fixed_topic_) {
  if (options.has("key")) key_shape_.emplace(options.text("key"), Template::Place{"key", kAll});
  for (const auto& [name, text] : options.map("headers")) {
    if (name.empty() || name.find('\0') != name.npos)
      throw standpipe::fatal("headers: a header's name is empty, or has a NUL");
    header_shapes_.emplace_back(name, Template(text, {"headers", kAll}));
  }
}

void Outgoing::make(const standpipe::Message& message) {
  fields_.look_at(message);
  if (fixed_topic_.empty()) {
    fill(topic_shape_, "topic", topic_);
    const auto fault = topic_name_fault(topic_);
    if (!fault.empty()) throw standpipe::reject("topic '" + topic_ + "': " + fault);
  }
  if (key_shape_) fill(*key_shape_, "key", key_);
  is_tombstone_ = message.size() == 0 && message.meta("tombstone") == "true";
  make_headers(message);
}

void Outgoing::fill(const Template& shape, const char* option, std::string& out) {
  out.clear();
  for (const auto& piece : shape.pieces()) {
    const auto text = fields_.text(piece);
    if (!text)
      throw standpipe::reject(std::string(option) + ": " + fields_.why_missing(piece) +
                              "; a default is written after a bar: {...|none}");
    out += *text;
  }
}

void Outgoing::make_headers(const standpipe::Message& message) {
  headers_.reset();
  for (const auto& [name, shape] : header_shapes_) {
    fill(shape, "headers", value_);
    add_header(name, value_);
  }
  if (!id_header_.empty()) {
    value_.assign(message.source()).append(":").append(std::to_string(message.sequence()));
    add_header(id_header_, value_);
  }
  if (!sends_metadata_) return;
  for (const auto& pair : message.metadata()) {
    const std::string_view name(pair.name.data, pair.name.size);
    if (std::find(kPlace.begin(), kPlace.end(), name) != kPlace.end()) continue;
    const bool is_replaced =
        name == id_header_ ||
        std::any_of(header_shapes_.begin(), header_shapes_.end(),
                    [&](const Header& header) { return header.first == name; });
    if (!is_replaced) add_header(name, {pair.value.data, pair.value.size});
  }
}

// A value is never null, which is another thing than an empty one.
void Outgoing::add_header(std::string_view name, std::string_view value) {
  if (!headers_) headers_.reset(rd_kafka_headers_new(8));
  rd_kafka_header_add(headers_.get(), name.data(), static_cast<ssize_t>(name.size()),
                      value.empty() ? "" : value.data(), static_cast<ssize_t>(value.size()));
}

}  // namespace kafka
