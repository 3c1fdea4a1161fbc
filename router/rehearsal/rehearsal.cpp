// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/rehearsal.h"

#include <array>
#include <span>

#include "base/invariant.h"
#include "base/limits.h"
#include "frame/source_codec.h"
#include "rehearsal/stream.h"
#include "source/options.h"

namespace standpipe::rehearsal {
namespace {

// What a FIFO knows of a message, and what the caller says beside it.
std::vector<match::Meta> borrowed(const source::SourceOptions& source, const Metadata& meta) {
  std::vector<match::Meta> pieces;
  if (source.origin == source::Origin::fifo) pieces.push_back({"fifo", source.path});
  for (const auto& [name, value] : meta) pieces.push_back({name, value});
  return pieces;
}

}  // namespace

Rehearsal::Rehearsal(const config::HubOptions& hub)
    : hub_(hub), compiler_(hub.routes), parts_(hub.sources.size()) {}

Rehearsal::Part& Rehearsal::part(std::size_t source) {
  auto& part = parts_[source];
  if (part.codec) return part;
  part.codec = frame::source_codec(hub_.sources[source].message_size_max);
  part.matcher.emplace(source, compiler_, hub_.unmatched, std::vector<std::size_t>{},
                       hub_.sources[source].match_max);
  return part;
}

Routed Rehearsal::route(std::size_t source, std::string_view payload, const Metadata& meta) {
  const auto& matcher = *part(source).matcher;
  set_.resize(matcher.words());
  const auto pieces = borrowed(hub_.sources[source], meta);
  Routed routed{.handlers = {}, .wanted = matcher.match({as_bytes(payload), pieces}, set_)};
  for (std::size_t bit = 0; bit < matcher.handlers().size(); ++bit)
    if (set_[bit / 64] >> (bit % 64) & 1) routed.handlers.push_back(matcher.handlers()[bit]);
  return routed;
}

match::Explanation Rehearsal::explain(std::size_t source, std::string_view payload,
                                      const Metadata& meta) const {
  const auto pieces = borrowed(hub_.sources[source], meta);
  return match::explain(source, hub_.routes, hub_.unmatched, {as_bytes(payload), pieces},
                        hub_.sources[source].match_max);
}

std::string Rehearsal::framed(std::size_t, std::string_view payload) const {
  const auto codec = frame::source_codec(kMessageSizeMaxMost);
  const frame::Frame frame{.payload = 0,
                           .size = static_cast<std::uint32_t>(payload.size()),
                           .end = static_cast<std::uint32_t>(payload.size())};
  std::string bytes(payload.size() + codec->overhead(), '\0');
  const auto written = codec->write(as_bytes(payload), std::span(&frame, 1),
                                    std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
  INVARIANT(written.frames == 1, payload.size());
  bytes.resize(written.bytes);
  return bytes;
}

}  // namespace standpipe::rehearsal
