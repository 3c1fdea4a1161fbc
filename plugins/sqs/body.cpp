// SPDX-License-Identifier: Apache-2.0
#include "body.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>

#include "common/utf8.h"

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kNameBytesMax = 256;
constexpr std::uint8_t kNoDigit = 64, kSpace = 65;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = kSpace;
  return values;
}
constexpr auto kValues = make_values();

bool has_forbidden(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') return true;
  // U+FFFE and U+FFFF
  return text.find("\xef\xbf\xbe") != std::string_view::npos ||
         text.find("\xef\xbf\xbf") != std::string_view::npos;
}

bool is_reserved(std::string_view name) {
  std::string begin;
  for (const char c : name.substr(0, 7))
    begin += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return begin.starts_with("aws.") || begin == "amazon.";
}

}  // namespace

bool is_sqs_text(std::string_view text) {
  return !text.empty() && !has_forbidden(text) && common::is_utf8(text);
}

bool is_attribute_name(std::string_view name) {
  const auto fits = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-' || c == '.');
  };
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), fits) && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos && !is_reserved(name);
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kDigits[bits >> 18];
    out += kDigits[bits >> 12 & 63];
    out += i + 1 < bytes.size() ? kDigits[bits >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[bits & 63] : '=';
  }
  return out;
}

std::string to_base64_body(std::string_view payload) {
  return payload.empty() ? "\n" : to_base64(payload);
}

std::optional<std::string> from_base64_body(std::string_view body) {
  std::string out;
  out.reserve(body.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned digits = 0, pads = 0;
  for (const char c : body) {
    const auto value = kValues[static_cast<unsigned char>(c)];
    if (value == kSpace) continue;
    if (c == '=') {
      ++pads;
      continue;
    }
    if (value == kNoDigit || pads > 0) return std::nullopt;
    bits = bits << 6 | value;
    if (++digits % 4 == 1) continue;
    out += static_cast<char>(bits >> (6 - 2 * ((digits - 1) % 4)) & 0xff);
  }
  const bool is_whole = digits % 4 == 0 ? pads == 0 : digits % 4 != 1 && digits % 4 + pads == 4;
  return is_whole ? std::optional(std::move(out)) : std::nullopt;
}
