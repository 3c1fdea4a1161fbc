// SPDX-License-Identifier: Apache-2.0
#include "packer.h"

#include "common/metadata_frame.h"

using Part = common::Template::Part;

namespace {

constexpr std::size_t kPacketMessagesMost = 2048;
constexpr std::size_t kPacketBytesMost = 512 * 1024;

const std::vector<Part> kInPackets{Part::source, Part::sequence, Part::time,
                                   Part::size,   Part::json,     Part::meta};

}  // namespace

Packer::Packer(const standpipe::Options& options)
    : has_lengths_(options.text("framing") != "none"),
      has_metadata_(options.boolean("metadata")),
      bytes_max_(static_cast<std::size_t>(options.bytes("recv_max_size"))) {
  if (options.has("topic")) {
    if (!options.has("protocol") || options.text("protocol") != "pub")
      throw standpipe::fatal("topic: only protocol: pub has topics");
    if (has_lengths_) throw standpipe::fatal("topic: it is before a message, so framing is none");
    topic_.emplace(options.text("topic"), common::Template::Place{"topic", kInPackets});
  }
  const auto headers = options.map("headers");
  if (!headers.empty() && !has_metadata_)
    throw standpipe::fatal("headers: they travel with metadata: true");
  for (const auto& [name, value] : headers)
    headers_.push_back({name, common::Template(value, {"headers", kInPackets})});
}

std::string_view Packer::bytes_of(const standpipe::Message& message) {
  if (!topic_ && !has_lengths_ && !has_metadata_) return of_size(message.text());
  bytes_.clear();
  if (topic_ || !headers_.empty()) fields_.look_at(message);
  if (topic_) fill(bytes_, *topic_, "topic");
  if (has_metadata_) add_metadata(message);
  if (has_lengths_)
    common::append_text(bytes_, message.text());
  else
    bytes_ += message.text();
  return of_size(bytes_);
}

std::string_view Packer::of_size(std::string_view bytes) const {
  if (bytes.size() > bytes_max_)
    throw standpipe::reject("it is sent as " + std::to_string(bytes.size()) +
                            " bytes, and recv_max_size is " + std::to_string(bytes_max_));
  return bytes;
}

bool Packer::has_room(std::size_t messages, const std::string& packet, std::size_t bytes) const {
  if (messages == 0) return true;
  return has_lengths_ && messages < kPacketMessagesMost && packet.size() < kPacketBytesMost &&
         packet.size() + bytes <= bytes_max_;
}

void Packer::fill(std::string& out, const common::Template& text, std::string_view option) {
  if (fields_.append(out, text)) return;
  for (const auto& piece : text.pieces()) {
    if (piece.part == Part::literal || fields_.text(piece)) continue;
    throw standpipe::reject("it has no " + std::string(option) + ": " + fields_.why_missing(piece) +
                            " (" + piece.text + " has no default)");
  }
}

void Packer::add_metadata(const standpipe::Message& message) {
  metadata_.clear();
  common::append_pairs(metadata_, message.source_metadata());
  common::append_pairs(metadata_, message.metadata());
  for (const auto& header : headers_) {
    value_.clear();
    fill(value_, header.value, "value for " + header.name);
    common::append_pair(metadata_, header.name, value_);
  }
  common::append_text(bytes_, metadata_);
}
