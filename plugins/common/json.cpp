// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "common/escape.h"
#include "common/show.h"
#include "common/utf8.h"

namespace common {
namespace {

constexpr std::size_t kNumberMost = 20;                                    // digits of 64 bits
constexpr std::size_t kFieldsMost = 64 + kRfc3339Bytes + 2 * kNumberMost;  // behind the head

std::string_view view(standpipe_string s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}
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

void JsonLines::append_meta(Spool& out, std::span<const standpipe_pair> pairs) {
  const auto value = [&](const standpipe_pair& pair) {
    const auto bytes = view(pair.value);
    if (is_utf8(bytes)) return show_json_string(out, bytes);
    out.append("{\"base64\":\"");
    show_base64(out, bytes);
    out.append("\"}");
  };
  out.append(",\"meta\":");
  std::string_view separator = "{";
  for (auto first = pairs.begin(); first != pairs.end(); ++first) {
    const auto is_same = [&](const standpipe_pair& p) { return view(p.name) == view(first->name); };
    if (std::any_of(pairs.begin(), first, is_same)) continue;
    const bool is_list = std::any_of(std::next(first), pairs.end(), is_same);
    out.append(separator);
    separator = ",";
    show_json_string(out, view(first->name));
    out.append(is_list ? ":[" : ":");
    value(*first);
    for (auto next = std::next(first); is_list && next != pairs.end(); ++next) {
      if (!is_same(*next)) continue;
      out.append(",");
      value(*next);
    }
    if (is_list) out.append("]");
  }
  out.append("}");
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
  out.wrote(to);
  if (const auto meta = message.metadata(); !meta.empty()) append_meta(out, meta);
  out.append(is_text ? ",\"text\":" : ",\"base64\":\"");
  if (is_text) {
    show_json_string(out, message.text());
    out.append("}\n");
  } else {
    show_base64(out, message.text());
    out.append("\"}\n");
  }
}

}  // namespace common
