// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include "common/rfc3339.h"
#include "common/show.h"
#include "common/utf8.h"

namespace common {

void append_json(Spool& out, const standpipe::Message& message) {
  out.append("{\"source\":");
  show_json_string(out, message.source());
  out.append(",\"sequence\":" + std::to_string(message.sequence()));
  out.append(",\"time\":\"" + rfc3339(message.time()) + "\"");
  out.append(",\"size\":" + std::to_string(message.size()));
  if (is_utf8(message.text())) {
    out.append(",\"text\":");
    show_json_string(out, message.text());
    out.append("}\n");
  } else {
    out.append(",\"base64\":\"");
    show_base64(out, message.text());
    out.append("\"}\n");
  }
}

}  // namespace common
