// SPDX-License-Identifier: Apache-2.0
#include "envelope.h"

#include "common/metadata_frame.h"

using Part = common::Template::Part;

namespace {

const std::vector<Part> kInEnvelopes{Part::source, Part::sequence, Part::time,
                                     Part::size,   Part::json,     Part::meta};

}  // namespace

Envelope::Envelope(const standpipe::Options& options)
    : has_metadata_(options.boolean("metadata")),
      frame_bytes_max_(static_cast<std::size_t>(options.bytes("maxmsgsize"))) {
  if (options.has("topic")) {
    if (!options.has("socket_type") || options.text("socket_type") != "pub")
      throw standpipe::fatal("topic: only socket_type: pub has topics");
    topic_.emplace(options.text("topic"), common::Template::Place{"topic", kInEnvelopes});
  }
  const auto headers = options.map("headers");
  if (!headers.empty() && !has_metadata_)
    throw standpipe::fatal("headers: they travel in the frame of metadata: true");
  for (const auto& [name, value] : headers)
    headers_.push_back({name, common::Template(value, {"headers", kInEnvelopes})});
}

std::span<const std::string_view> Envelope::frames(const standpipe::Message& message) {
  frames_.clear();
  if (topic_ || !headers_.empty()) fields_.look_at(message);
  if (topic_) {
    fill(topic_text_, *topic_, "topic");
    add(topic_text_, "its topic");
  }
  if (has_metadata_) {
    write_metadata(message);
    add(metadata_, "its metadata");
  }
  add(message.text(), "it");
  return frames_;
}

void Envelope::fill(std::string& out, const common::Template& text, std::string_view option) {
  out.clear();
  if (fields_.append(out, text)) return;
  for (const auto& piece : text.pieces()) {
    if (piece.part == Part::literal || fields_.text(piece)) continue;
    throw standpipe::reject("it has no " + std::string(option) + ": " + fields_.why_missing(piece) +
                            " (" + piece.text + " has no default)");
  }
}

void Envelope::write_metadata(const standpipe::Message& message) {
  metadata_.clear();
  common::append_pairs(metadata_, message.source_metadata());
  common::append_pairs(metadata_, message.metadata());
  for (const auto& header : headers_) {
    fill(value_, header.value, "value for " + header.name);
    common::append_pair(metadata_, header.name, value_);
  }
}

void Envelope::add(std::string_view frame, std::string_view what) {
  if (frame.size() > frame_bytes_max_)
    throw standpipe::reject(std::string(what) + " has " + std::to_string(frame.size()) +
                            " bytes, and maxmsgsize is " + std::to_string(frame_bytes_max_));
  frames_.push_back(frame);
}
