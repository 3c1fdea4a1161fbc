// SPDX-License-Identifier: Apache-2.0
#include "zeromq/protocol.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace {

// As PROTOCOL.md has it: 4 and 8 bytes, little endian.
std::string number(std::uint64_t value, int size = 8) {
  std::string out;
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string head(std::uint32_t flags, std::uint64_t base, std::uint64_t id) {
  return "SPB1" + number(flags, 4) + number(9) + number(base) + number(id);
}

}  // namespace

TEST_CASE("the head of a batch has the bytes that PROTOCOL.md says") {
  CHECK(BatchHead{true, 9, 3, 0x0102030405060708}.encoded() == head(1, 3, 0x0102030405060708));
  const auto read = BatchHead::decoded(head(1, 3, 5));
  REQUIRE(read);
  CHECK((read->has_metadata && read->session == 9 && read->base == 3 && read->id == 5));
  CHECK_FALSE(BatchHead::decoded(head(0, 1, 1))->has_metadata);
}

TEST_CASE("what is no head of this protocol is refused") {
  CHECK_FALSE(BatchHead::decoded(""));
  CHECK_FALSE(BatchHead::decoded(head(0, 1, 1) + "x"));
  CHECK_FALSE(BatchHead::decoded(head(0, 1, 1).substr(0, 31)));
  CHECK_FALSE(BatchHead::decoded("SPA1" + head(0, 1, 1).substr(4)));
  CHECK_FALSE(BatchHead::decoded(head(2, 1, 1)));  // a flag of a later version
  CHECK_FALSE(BatchHead::decoded(head(0, 0, 1)));  // ids are from 1
  CHECK_FALSE(BatchHead::decoded(head(0, 7, 3)));  // safe, and sent again
}

TEST_CASE("an answer and its refusals have the bytes that PROTOCOL.md says") {
  CHECK(Answer{9, 4}.encoded() == "SPA1" + number(0, 4) + number(9) + number(4));
  const auto answer = Answer::decoded(Answer{9, 4}.encoded());
  REQUIRE(answer);
  CHECK((answer->session == 9 && answer->safe == 4));
  CHECK_FALSE(Answer::decoded(Answer{9, 4}.encoded().substr(1)));
  CHECK_FALSE(Answer::decoded("SPB1" + Answer{9, 4}.encoded().substr(4)));

  CHECK(Refusal{4, 2, "too large"}.encoded() == number(4) + number(2, 4) + "too large");
  const auto refusal = Refusal::decoded(Refusal{4, 2, "too large"}.encoded());
  REQUIRE(refusal);
  CHECK((refusal->id == 4 && refusal->index == 2 && refusal->why == "too large"));
  CHECK(Refusal::decoded(number(4) + number(2, 4))->why.empty());
  CHECK_FALSE(Refusal::decoded(number(4) + "abc"));
}
