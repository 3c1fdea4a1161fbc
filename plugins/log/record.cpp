// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <standpipe/wire.h>

namespace {

void append_frame(common::Spool& out, std::string_view payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(
      header, static_cast<std::uint32_t>(payload.size()));  // the hub takes at most 1 GiB
  out.append({reinterpret_cast<const char*>(header), sizeof header});
  out.append(payload);
}

void append_line(common::Spool& out, std::string_view payload) {
  for (auto newline = payload.find('\n'); newline != std::string_view::npos;
       newline = payload.find('\n')) {
    out.append(payload.substr(0, newline));
    out.append("\\n");
    payload.remove_prefix(newline + 1);
  }
  out.append(payload);
  out.append("\n");
}

}  // namespace

Format format_of(std::string_view name) {
  if (name == "frames") return Format::frames;
  return name == "jsonl" ? Format::jsonl : Format::lines;
}

void Records::append(common::Spool& out, const standpipe::Message& message) {
  switch (format_) {
    case Format::frames:
      return append_frame(out, message.text());
    case Format::lines:
      return append_line(out, message.text());
    case Format::jsonl:
      return json_.append(out, message);
  }
}
