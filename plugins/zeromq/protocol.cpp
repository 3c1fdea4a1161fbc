// SPDX-License-Identifier: Apache-2.0
#include "protocol.h"

#include <concepts>

namespace {

constexpr std::string_view kBatch = "SPB1", kAnswer = "SPA1";
constexpr std::uint32_t kHasMetadata = 1;

template <std::unsigned_integral Number>
void append_number(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    out += static_cast<char>(number >> (8 * i) & 0xff);
}

template <std::unsigned_integral Number>
Number take_number(std::string_view& rest) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    number |=
        static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(rest[i])) << (8 * i));
  rest.remove_prefix(sizeof number);
  return number;
}

}  // namespace

std::string BatchHead::encoded() const {
  std::string out(kBatch);
  append_number(out, has_metadata ? kHasMetadata : 0);
  append_number(out, session);
  append_number(out, base);
  append_number(out, id);
  return out;
}

std::optional<BatchHead> BatchHead::decoded(std::string_view frame) {
  if (frame.size() != kBytes || !frame.starts_with(kBatch)) return std::nullopt;
  frame.remove_prefix(kBatch.size());
  BatchHead head;
  const auto flags = take_number<std::uint32_t>(frame);
  head.has_metadata = (flags & kHasMetadata) != 0;
  head.session = take_number<std::uint64_t>(frame);
  head.base = take_number<std::uint64_t>(frame);
  head.id = take_number<std::uint64_t>(frame);
  if ((flags & ~kHasMetadata) != 0 || head.base == 0 || head.id < head.base) return std::nullopt;
  return head;
}

std::string Answer::encoded() const {
  std::string out(kAnswer);
  append_number(out, std::uint32_t{0});
  append_number(out, session);
  append_number(out, safe);
  return out;
}

std::optional<Answer> Answer::decoded(std::string_view frame) {
  if (frame.size() != kBytes || !frame.starts_with(kAnswer)) return std::nullopt;
  frame.remove_prefix(kAnswer.size() + sizeof(std::uint32_t));
  Answer answer;
  answer.session = take_number<std::uint64_t>(frame);
  answer.safe = take_number<std::uint64_t>(frame);
  return answer;
}

std::string Refusal::encoded() const {
  std::string out;
  append_number(out, id);
  append_number(out, index);
  return out + why;
}

std::optional<Refusal> Refusal::decoded(std::string_view frame) {
  if (frame.size() < sizeof id + sizeof index) return std::nullopt;
  Refusal refusal;
  refusal.id = take_number<std::uint64_t>(frame);
  refusal.index = take_number<std::uint32_t>(frame);
  refusal.why = frame;
  return refusal;
}
