// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_selection.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "metadata.h"
#include "scripted.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::DeadLetter;
using deliver::DeadLetters;
using deliver::LetterFilter;
using deliver::LetterSelection;

namespace {

using Texts = std::vector<std::string>;

class Fixture {
 public:
  void put(std::uint64_t n, std::string_view handler = "it", std::size_t bytes = 0) {
    auto payload = std::to_string(n);
    payload.resize(std::max(bytes, payload.size()), '.');
    const DeadLetter letter{.source = "in",
                            .handler = handler,
                            .sequence = n,
                            .payload = std::as_bytes(std::span(payload))};
    REQUIRE_FALSE(letters.put({&letter, 1}));
  }
  LetterSelection select(const std::string& filter, std::unordered_set<std::uint64_t> except = {}) {
    return {folder.path(), *LetterFilter::parse(filter), last, std::move(except)};
  }
  static Texts payloads(LetterSelection& selection, std::size_t* pieces = nullptr) {
    Texts all;
    while (!selection.is_over()) {
      for (const auto& letter : selection.next()) all.push_back(letter.payload);
      if (pieces) ++*pieces;
    }
    return all;
  }

  test::TemporaryFolder folder;
  test::Quiet quiet;
  DeadLetters letters{folder.path(), 7, quiet};
  std::uint64_t last = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "letters that fit come in the order in which they were put") {
  for (std::uint64_t n = 1; n <= 6; ++n) put(n, n % 2 ? "it" : "other");
  last = letters.close_all();
  auto of_it = select("handler=it");
  CHECK(payloads(of_it) == Texts{"1", "3", "5"});
  auto all = select("");
  CHECK(payloads(all).size() == 6);
  auto none = select("source=another");
  CHECK(payloads(none).empty());
}

TEST_CASE_METHOD(Fixture, "what is put after the files were closed is none of its business") {
  put(1);
  last = letters.close_all();
  put(2);
  auto selection = select("");
  CHECK(payloads(selection) == Texts{"1"});
  (void)letters.close_all();
  auto again = select("");
  CHECK(payloads(again) == Texts{"1"});
}

TEST_CASE_METHOD(Fixture, "what somebody has already is left out") {
  for (std::uint64_t n = 1; n <= 3; ++n) put(n);
  last = letters.close_all();
  auto selection = select("");
  const auto all = selection.next();
  REQUIRE(all.size() == 3);
  auto rest = select("", {all[1].identity});
  CHECK(payloads(rest) == Texts{"1", "3"});
}

TEST_CASE_METHOD(Fixture, "a piece is bounded by letters, by bytes, and by what was looked at") {
  const auto many = LetterSelection::kPieceLetters + 10;
  for (std::uint64_t n = 1; n <= many; ++n) put(n);
  put(many + 1, "large", 3 * LetterSelection::kPieceBytes);
  put(many + 2, "large", 3 * LetterSelection::kPieceBytes);
  for (std::uint64_t n = 0; n < 5; ++n)
    put(many + 3 + n, "other", LetterSelection::kLookedAtBytes / 2);
  last = letters.close_all();
  auto small = select("handler=it");
  CHECK(small.next().size() == LetterSelection::kPieceLetters);
  CHECK(small.next().size() == 10);
  CHECK_FALSE(small.is_over());  // it has looked at so much that does not fit
  std::size_t pieces = 0;
  CHECK(payloads(small, &pieces).empty());
  CHECK(pieces >= 1);
  auto large = select("handler=large");
  CHECK(large.next().size() == 1);
  CHECK(large.next().size() == 1);
  auto names = select("handler=it");
  CHECK(names.next_names().size() == many);
}
