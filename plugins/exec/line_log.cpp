// SPDX-License-Identifier: Apache-2.0
#include "line_log.h"

#include <algorithm>

#include "common/utf8.h"

namespace {

void add_escaped_byte(std::string& out, char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += kDigits[value >> 4];
  out += kDigits[value & 15];
}

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < std::min(text.size(), most);) {
    const auto bytes = common::character_at(text, i).bytes;
    if (bytes == 0) add_escaped_byte(out, text[i]);
    out += text.substr(i, bytes);
    i += std::max<std::size_t>(bytes, 1);
  }
  return text.size() > most ? out + "..." : out;
}

void LineLog::append(std::string_view bytes, Clock::time_point now) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    add(bytes.substr(0, newline));
    if (newline == std::string_view::npos) return;
    end_line(now);
    bytes.remove_prefix(newline + 1);
  }
}

void LineLog::end(Clock::time_point now) {
  if (line_bytes_ > 0) end_line(now);
  report_left_out();
}

void LineLog::add(std::string_view piece) {
  line_bytes_ += piece.size();
  line_ += piece.substr(0, kShownMost + 4 - std::min(line_.size(), kShownMost + 4));
}

void LineLog::end_line(Clock::time_point now) {
  if (line_.ends_with('\r') && line_bytes_ == line_.size()) line_.pop_back();
  auto text = shown(line_, kShownMost);
  if (line_bytes_ > kShownMost) text += " (" + std::to_string(line_bytes_) + " bytes)";
  line_.clear();
  line_bytes_ = 0;
  if (text.empty()) return;
  if (may_log(now)) {
    report_left_out();
    host_.info(text);
  } else {
    ++left_out_;
  }
  last_ = std::move(text);
}

bool LineLog::may_log(Clock::time_point now) {
  const auto more = (now - counted_) / kEach;
  if (more > 0) {
    allowed_ = static_cast<unsigned>(std::min<long long>(kBurst, allowed_ + more));
    counted_ = now;
  }
  if (allowed_ == 0) return false;
  --allowed_;
  return true;
}

void LineLog::report_left_out() {
  if (left_out_ > 0)
    host_.warning("it prints too much: " + std::to_string(left_out_) + " lines were left out");
  left_out_ = 0;
}
