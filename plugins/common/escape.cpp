// SPDX-License-Identifier: Apache-2.0
#include "common/escape.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "common/special_bytes.h"
#include "common/utf8.h"

namespace common {
namespace {

constexpr char kEscapeDigits[] = "0123456789abcdef";
// A byte becomes at most six characters, \u001b. A character of several bytes becomes at most four
// for each byte, and only its first must lie in the block.
constexpr std::size_t kEscapedBlockMost = 6 * kBlockBytes;
constexpr std::size_t kBlocksAtOnce =
    256;  // 4 KiB of text: at most a tenth of the spool is reserved

constexpr void add(Escapes::Instead& instead, std::string_view text) {
  for (const char c : text) instead.text[instead.size++] = c;
}

constexpr Escapes::Instead instead_of(unsigned char c, std::string_view control,
                                      bool is_quote_special) {
  Escapes::Instead instead;
  switch (c) {
    case '\n':
      add(instead, "\\n");
      return instead;
    case '\r':
      add(instead, "\\r");
      return instead;
    case '\t':
      add(instead, "\\t");
      return instead;
    case '\\':
      add(instead, "\\\\");
      return instead;
    default:
      break;
  }
  if (c < 0x20 || c == 0x7f) {
    add(instead, control);
    const char digits[] = {kEscapeDigits[c >> 4], kEscapeDigits[c & 15]};
    add(instead, {digits, 2});
    return instead;
  }
  if (c == '"' && is_quote_special) add(instead, "\\");
  const char self = static_cast<char>(c);
  add(instead, {&self, 1});
  return instead;
}

constexpr Escapes escapes_of(std::string_view control, bool is_quote_special, bool by_code_point) {
  Escapes escapes{{}, by_code_point};
  for (unsigned c = 0; c < escapes.of_byte.size(); ++c)
    escapes.of_byte[c] = instead_of(static_cast<unsigned char>(c), control, is_quote_special);
  return escapes;
}

char* put_hex(char* out, unsigned byte) {
  *out++ = kEscapeDigits[byte >> 4 & 15];
  *out++ = kEscapeDigits[byte & 15];
  return out;
}

char* put_character(char* out, char32_t point, std::string_view bytes, const Escapes& escapes) {
  if (escapes.by_code_point) {  // everything that rewrites a screen has at most 16 bits
    *out++ = '\\';
    *out++ = 'u';
    return put_hex(put_hex(out, point >> 8), point);
  }
  for (const char c : bytes) {
    *out++ = '\\';
    *out++ = 'x';
    out = put_hex(out, static_cast<unsigned char>(c));
  }
  return out;
}

// Text on its way through, block by block.
class Escaping {
 public:
  Escaping(std::string_view text, const Escapes& escapes) : text_(text), escapes_(escapes) {}
  bool is_done() const { return at_ >= text_.size(); }
  std::size_t blocks_left() const { return (text_.size() - at_ + kBlockBytes - 1) / kBlockBytes; }
  char* put_block(char* out);

 private:
  // Reads two blocks' worth where it needs one, so that a copy may always be of a whole block.
  const char* readable();
  char* put_special(char* out, std::size_t at, std::size_t& copied) const;

  std::string_view text_;
  const Escapes& escapes_;
  std::size_t at_ = 0;
  char tail_[2 * kBlockBytes] = {};
};

const char* Escaping::readable() {
  const auto left = text_.size() - at_;
  if (left >= sizeof tail_) return text_.data() + at_;
  std::memcpy(tail_, text_.data() + at_, left);
  return tail_;
}

char* Escaping::put_special(char* out, std::size_t at, std::size_t& copied) const {
  const auto first = static_cast<unsigned char>(text_[at_ + at]);
  if (first < 0x80) {
    const auto& instead = escapes_.of_byte[first];
    std::memcpy(out, instead.text, sizeof instead.text);
    copied = at + 1;
    return out + instead.size;
  }
  const auto c = character_at(text_, at_ + at);
  copied = at + c.bytes;
  return put_character(out, c.point, text_.substr(at_ + at, c.bytes), escapes_);
}

char* Escaping::put_block(char* out) {
  const char* block = readable();
  const auto bytes = std::min(text_.size() - at_, kBlockBytes);
  std::size_t copied = 0;
  const auto copy_until = [&](std::size_t end) {
    std::memcpy(out, block + copied,
                kBlockBytes);  // more than is meant: what follows overwrites it
    out += end - copied;
  };
  for (auto specials = special_bytes(block) & ((1u << bytes) - 1); specials != 0;
       specials &= specials - 1) {
    const auto at = static_cast<std::size_t>(std::countr_zero(specials));
    const bool is_harmless = static_cast<unsigned char>(block[at]) >= 0x80 &&
                             !rewrites_screen(character_at(text_, at_ + at).point);
    if (is_harmless) continue;
    copy_until(at);
    out = put_special(out, at, copied);
  }
  if (copied < bytes) copy_until(bytes);
  at_ += std::max(copied, bytes);
  return out;
}

}  // namespace

constinit const Escapes kJsonEscapes = escapes_of("\\u00", true, true);
constinit const Escapes kTerminalEscapes = escapes_of("\\x", false, false);

void append_escaped(Spool& out, std::string_view utf8, const Escapes& escapes) {
  Escaping escaping(utf8, escapes);
  while (!escaping.is_done()) {
    auto blocks = std::min(escaping.blocks_left(), kBlocksAtOnce);
    char* to = out.room(blocks * kEscapedBlockMost + kBlockBytes);
    for (; blocks > 0 && !escaping.is_done(); --blocks) to = escaping.put_block(to);
    out.wrote(to);
  }
}

std::string escaped(std::string_view utf8, const Escapes& escapes) {
  Escaping escaping(utf8, escapes);
  std::string text(escaping.blocks_left() * kEscapedBlockMost + kBlockBytes, '\0');
  char* to = text.data();
  while (!escaping.is_done()) to = escaping.put_block(to);
  text.resize(static_cast<std::size_t>(to - text.data()));
  return text;
}

}  // namespace common
