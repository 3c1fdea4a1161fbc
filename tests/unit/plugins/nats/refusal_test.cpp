// SPDX-License-Identifier: Apache-2.0
#include "nats/refusal.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "nats/chosen_subjects.h"

using namespace nats;

namespace {

Refusal::For whom(int code) {
  jsPubAckErr error{};
  error.Err = NATS_ERR;
  std::memcpy(&error.ErrCode, &code, sizeof code);
  error.ErrText = "what the server says";
  return refusal_of(error).whom;
}

}  // namespace

TEST_CASE(
    "what a stream refuses concerns one message, or all until a person acts, or all for now") {
  CHECK(whom(kMessageExceedsMaximum) == Refusal::For::this_message);
  CHECK(whom(kHeadersExceedMaximum) == Refusal::For::this_message);
  CHECK(whom(kStreamNotMatch) == Refusal::For::all_until_mended);
  CHECK(whom(kStreamSealed) == Refusal::For::all_until_mended);
  CHECK(whom(kNotEnabled) == Refusal::For::all_until_mended);
  CHECK(whom(10077) == Refusal::For::all_for_now);  // maximum messages exceeded
  CHECK(whom(99999) == Refusal::For::all_for_now);
}

TEST_CASE("the subject that the server refuses is read from its sentence") {
  const auto whole = refused_subject(R"(Permissions Violation for Publish to "s.secret")");
  REQUIRE(whole);
  CHECK(whole->is("s.secret"));
  CHECK_FALSE(whole->is("s.secret.more"));
  const auto cut = refused_subject(R"(Permissions Violation for Publish to "s.secr)");
  REQUIRE(cut);
  CHECK(cut->is("s.secret.more"));
  CHECK_FALSE(cut->is("s.open"));
  CHECK_FALSE(refused_subject(R"(Permissions Violation for Subscription to "s.secret")"));
  CHECK_FALSE(refused_subject("Authorization Violation"));
}

TEST_CASE("the messages that chose a refused subject are found, once, and settled ones forgotten") {
  ChosenSubjects chosen;
  chosen.add(1, "a", 1);
  chosen.add(2, "secret", 1);
  chosen.add(3, "secret", 1);
  CHECK(chosen.take({"secret"}) == std::vector<std::uint64_t>{2, 3});
  CHECK(chosen.take({"secret"}).empty());
  CHECK(chosen.take({"elsewhere"}).empty());
  chosen.add(4, "secret", 4);
  CHECK(chosen.take({"a"}).empty());
  CHECK(chosen.take({"secr", false}) == std::vector<std::uint64_t>{4});
  chosen.add(5, "secret", 5);
  chosen.clear();
  CHECK(chosen.take({"secret"}).empty());
}
