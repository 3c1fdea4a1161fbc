// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/stream.h"

#include <array>
#include <span>

#include "base/text.h"
#include "frame/bad_length.h"

namespace standpipe::rehearsal {
namespace {

StreamFault fault_at(const frame::Codec& codec, const frame::Scan& scan, std::string_view bytes,
                     std::size_t offset) {
  const auto rest = bytes.substr(offset);
  StreamFault fault{.fate = scan.too_large ? config::Fate::bad_frame : config::Fate::truncated,
                    .offset = offset,
                    .bytes = rest.size(),
                    .claimed = scan.claimed,
                    .need = scan.too_large ? 0 : scan.need};
  if (scan.too_large)
    fault.note = frame::explain_bad_length(as_bytes(rest), codec.payload_max(), offset > 0,
                                           "raise `framing: { max_message_size: }` on this source")
                     .note;
  return fault;
}

}  // namespace

Stream read_stream(const frame::Codec& codec, std::string_view bytes) {
  Stream stream;
  std::array<frame::Frame, 512> frames;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto rest = bytes.substr(at);
    const auto scan = codec.scan(as_bytes(rest), frames);
    std::size_t begin = 0;
    for (const auto& f : std::span(frames).first(scan.frames)) {
      stream.messages.push_back({at + begin, rest.substr(f.payload, f.size)});
      begin = f.end;
    }
    at += scan.consumed;
    const bool ended = scan.too_large || scan.frames < frames.size();
    if (ended && at < bytes.size()) stream.fault = fault_at(codec, scan, bytes, at);
    if (ended) break;
  }
  return stream;
}

std::string fault_text(const StreamFault& fault, std::uint64_t payload_max) {
  if (fault.fate == config::Fate::truncated)
    return std::string("a frame is truncated: there ") + (fault.bytes == 1 ? "is " : "are ") +
           counted(fault.bytes, "byte") +
           (fault.need ? " of " + thousands(fault.need) : " of its header");
  return "a frame claims " + counted(fault.claimed, "byte") + " (limit " + thousands(payload_max) +
         "), so all from byte " + thousands(fault.offset + 1) + " on is discarded";
}

}  // namespace standpipe::rehearsal
