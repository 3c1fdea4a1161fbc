// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"
#include "common/show.h"
#include "common/special_bytes.h"
#include "common/spool.h"
#include "common/utf8.h"

// What is done in blocks must be, byte for byte, what one character after the other gives.
namespace {

bool naive_is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = common::character_at(text, i);
    if (c.bytes == 0) return false;
    i += c.bytes;
  }
  return true;
}

std::string hex(const char* before, unsigned value, int digits) {
  std::string out = before;
  while (digits-- > 0) out += "0123456789abcdef"[value >> 4 * digits & 15];
  return out;
}

std::string naive_escaped(std::string_view text, bool is_json) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = common::character_at(text, i);
    const auto bytes = text.substr(i, c.bytes ? c.bytes : 1);
    i += bytes.size();
    if (c.bytes && (c.point == '\n' || c.point == '\r' || c.point == '\t' || c.point == '\\'))
      out += std::string("\\") + (c.point == '\n'   ? 'n'
                                  : c.point == '\r' ? 'r'
                                  : c.point == '\t' ? 't'
                                                    : '\\');
    else if (c.bytes && c.point == '"' && is_json)
      out += "\\\"";
    else if (c.bytes && !common::rewrites_screen(c.point))
      out += bytes;
    else if (is_json)
      out += hex("\\u", c.point, 4);
    else
      for (const char byte : bytes) out += hex("\\x", static_cast<unsigned char>(byte), 2);
  }
  return is_json ? '"' + out + '"' : out;
}

std::string naive_base64(std::string_view s) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < s.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < s.size() ? static_cast<unsigned char>(s[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j <= s.size() ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// Through a Spool, from memory of exactly the text's size, so that a sanitizer sees each byte that
// is read beyond it.
class Shown {
 public:
  template <class Show>
  std::string of(std::string_view text, Show show) {
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    REQUIRE(::ftruncate(file_.get(), 0) == 0);
    REQUIRE(::lseek(file_.get(), 0, SEEK_SET) == 0);
    spool_.begin(file_.get());
    show(spool_, std::string_view(exact.get(), text.size()));
    spool_.flush();
    std::string all(spool_.written(), '\0');
    REQUIRE(::pread(file_.get(), all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    return all;
  }
  void compare(std::string_view text) {
    INFO("text: " << naive_escaped(text, false));
    const bool is_text = naive_is_utf8(text);
    CHECK(common::is_utf8(text) == is_text);
    CHECK(of(text, common::show_escaped) == naive_escaped(text, false));
    CHECK(of(text, common::show_base64) == naive_base64(text));
    if (is_text) CHECK(of(text, common::show_json_string) == naive_escaped(text, true));
  }

 private:
  common::Fd file_{::memfd_create("escape-test", MFD_CLOEXEC)};
  common::Spool spool_;
};

const std::vector<std::string> kPieces = {"a",
                                          "plain text, longer than a block of sixteen bytes",
                                          "\"",
                                          "\\",
                                          "\n",
                                          "\r",
                                          "\t",
                                          std::string(1, '\0'),
                                          "\x1b[2J",
                                          "\x1f",
                                          " ",
                                          "\x7e",
                                          "\x7f",
                                          "\xc2\x80",
                                          "\xc2\x9b",
                                          "\xc2\x9f",
                                          "\xc2\xa0",
                                          "\xc3\xbc",
                                          "\xdf\xbf",
                                          "\xe0\xa0\x80",
                                          "\xe2\x80\x8a",
                                          "\xe2\x80\x8b",
                                          "\xe2\x80\x8f",
                                          "\xe2\x80\x90",
                                          "\xe2\x80\xa7",
                                          "\xe2\x80\xa8",
                                          "\xe2\x80\xae",
                                          "\xe2\x80\xaf",
                                          "\xe2\x81\xa5",
                                          "\xe2\x81\xa6",
                                          "\xe2\x81\xa9",
                                          "\xe2\x82\xac",
                                          "\xed\x9f\xbf",
                                          "\xee\x80\x80",
                                          "\xef\xbb\xbf",
                                          "\xef\xbb\xbe",
                                          "\xef\xbf\xbf",
                                          "\xf0\x90\x80\x80",
                                          "\xf0\x9f\x98\x80",
                                          "\xf4\x8f\xbf\xbf"};
// Nothing of this is UTF-8: overlong forms, surrogates, beyond the last character, cut, alone.
const std::vector<std::string> kBroken = {"\x80",
                                          "\xbf",
                                          "\xc0\x80",
                                          "\xc1\xbf",
                                          "\xc2",
                                          "\xc2"
                                          "a",
                                          "\xe0\x80\x80",
                                          "\xe0\x9f\xbf",
                                          "\xe2\x80",
                                          "\xe2\x80"
                                          "a",
                                          "\xe2",
                                          "\xed\xa0\x80",
                                          "\xed\xbf\xbf",
                                          "\xef\xbb",
                                          "\xf0\x8f\xbf\xbf",
                                          "\xf0\x9f\x98",
                                          "\xf4\x90\x80\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xff",
                                          "\xfe"};

}  // namespace

TEST_CASE(
    "special bytes are found in every place of a block, with and without the machine's own "
    "instructions") {
  for (unsigned c = 0; c < 256; ++c) {
    for (std::size_t at = 0; at < common::kBlockBytes; ++at) {
      std::string block(common::kBlockBytes, 'a');
      block[at] = static_cast<char>(c);
      const unsigned expected =
          common::is_special_byte(static_cast<unsigned char>(c)) ? 1u << at : 0u;
      REQUIRE(common::special_bytes(block.data()) == expected);
      REQUIRE(common::special_bytes_portable(block.data()) == expected);
    }
  }
}

TEST_CASE("each character, whole or broken, is shown alike at every place of a block") {
  Shown shown;
  auto all = kPieces;
  all.insert(all.end(), kBroken.begin(), kBroken.end());
  for (const auto& piece : all)
    for (std::size_t before = 0; before <= 2 * common::kBlockBytes; ++before)
      for (const std::size_t after : {0, 1, 15, 40})
        shown.compare(std::string(before, 'x') + piece + std::string(after, 'y'));
}

TEST_CASE("random texts are shown as one character after the other would be", "[exhaustive]") {
  std::mt19937 random(20240501);
  const auto below = [&](std::size_t n) { return random() % n; };
  Shown shown;
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    const bool is_dense = round % 2;
    const bool is_broken = round % 5 == 0;
    for (auto pieces = below(round % 100 == 0 ? 3000 : 60); pieces > 0; --pieces) {
      if (!is_dense) text += std::string(below(40), 'p');
      text += kPieces[below(kPieces.size())];
      if (is_broken && below(8) == 0) text += kBroken[below(kBroken.size())];
    }
    shown.compare(text);
  }
  for (int round = 0; round < 1000; ++round) {
    std::string bytes(below(300), '\0');
    for (auto& c : bytes) c = static_cast<char>(random());
    shown.compare(bytes);
  }
}

TEST_CASE("a text of nothing but escapes, larger than the spool, arrives whole") {
  Shown shown;
  for (const auto* piece : {"\x01", "\"", "\xe2\x80\xae", "\xc2\x9b", "\xff"}) {
    std::string text;
    while (text.size() < 3 * common::Spool::kBytes) text += piece;
    const bool is_same = shown.of(text, common::show_escaped) == naive_escaped(text, false);
    CHECK(is_same);
    if (naive_is_utf8(text)) {
      const bool is_same_json =
          shown.of(text, common::show_json_string) == naive_escaped(text, true);
      CHECK(is_same_json);
    }
  }
}
