// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/rfc3339.h"
#include "common/show.h"
#include "common/utf8.h"

namespace common {
namespace {

constexpr std::size_t kNumberMost = 20;  // digits of 64 bits
constexpr std::size_t kFieldsMost = 64 + kRfc3339Bytes + 2 * kNumberMost;

char* put_words(char* to, std::string_view text) { return std::copy(text.begin(), text.end(), to); }
char* put_count(char* to, std::uint64_t number) { return std::to_chars(to, to + kNumberMost, number).ptr; }

}  // namespace

void append_json(Spool& out, const standpipe::Message& message) {
  const bool is_text = is_utf8(message.text());
  out.append("{\"source\":");
  show_json_string(out, message.source());
  char* to = out.room(kFieldsMost);
  to = put_count(put_words(to, ",\"sequence\":"), message.sequence());
  to = put_rfc3339(put_words(to, ",\"time\":\""), message.time());
  to = put_count(put_words(to, "\",\"size\":"), message.size());
  out.wrote(put_words(to, is_text ? ",\"text\":" : ",\"base64\":\""));
  if (is_text) {
    show_json_string(out, message.text());
    out.append("}\n");
  } else {
    show_base64(out, message.text());
    out.append("\"}\n");
  }
}

}  // namespace common
