// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/escape.h"
#include "common/show.h"
#include "common/utf8.h"

namespace common {
namespace {

constexpr std::size_t kNumberMost = 20;                                    // digits of 64 bits
constexpr std::size_t kFieldsMost = 64 + kRfc3339Bytes + 2 * kNumberMost;  // behind the head

char* put_words(char* to, std::string_view text) { return std::copy(text.begin(), text.end(), to); }
char* put_count(char* to, std::uint64_t number) {
  return std::to_chars(to, to + kNumberMost, number).ptr;
}

}  // namespace

void JsonLines::begin_with(std::string_view source) {
  source_ = source;
  head_ = "{\"source\":\"" + escaped(source, kJsonEscapes) + "\",\"sequence\":";
}

void JsonLines::be_at(std::chrono::milliseconds time) {
  time_ = time;
  put_rfc3339(written_time_, time);
}

void JsonLines::append(Spool& out, const standpipe::Message& message) {
  const bool is_text = is_utf8(message.text());
  const auto time = std::chrono::floor<std::chrono::milliseconds>(message.time());
  if (head_.empty() || message.source() != source_) begin_with(message.source());
  if (time != time_) be_at(time);
  out.append(head_);
  char* to = out.room(kFieldsMost);
  to = put_words(put_count(to, message.sequence()), ",\"time\":\"");
  to = put_words(to, {written_time_, sizeof written_time_});
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
