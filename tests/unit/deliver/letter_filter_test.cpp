// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_filter.h"

#include <catch2/catch.hpp>
#include <set>

using namespace standpipe;
using deliver::DeadLetter;
using deliver::letter_id;
using deliver::LetterFilter;
using deliver::Reason;

namespace {

DeadLetter letter(std::uint64_t sequence = 7) {
  DeadLetter l{.source = "orders", .handler = "billing", .sequence = sequence};
  l.dead_lettered_ns = 1000;
  l.reason = Reason::crashed;
  l.run = 3;
  return l;
}

}  // namespace

TEST_CASE("a letter is called by what identifies it, and by nothing else") {
  auto other = letter();
  other.reason = Reason::rejected;
  other.detail = "why";
  CHECK(letter_id(other) == letter_id(letter()));
  CHECK(letter_id(letter()) == "d-" + letter_id(letter()).substr(2));
  CHECK(letter_id(letter()).size() == 15);
  std::set<std::string> ids = {letter_id(letter())};
  other = letter();
  other.run = 4;
  ids.insert(letter_id(other));
  other = letter();
  other.accepted_ns = 1;  // of a source that a reload brought back
  ids.insert(letter_id(other));
  other = letter();
  other.source = "order";
  other.handler = "sbilling";  // the same letters, taken together
  ids.insert(letter_id(other));
  other = letter();
  other.handler = "audit";
  ids.insert(letter_id(other));
  for (std::uint64_t sequence = 8; sequence < 10'000; ++sequence)
    ids.insert(letter_id(letter(sequence)));
  CHECK(ids.size() == 5 + 9992);
}

TEST_CASE("an id does not change from one version of the program to the next") {
  CHECK(letter_id(letter()) == "d-0an8qxpgegwe8");
}

TEST_CASE("a filter has what fits each of its conditions") {
  CHECK(LetterFilter().has(letter()));
  LetterFilter f;
  f.handlers = {"audit", "billing"};
  CHECK(f.has(letter()));
  f.sources = {"order"};
  CHECK_FALSE(f.has(letter()));
  f.sources = {"orders"};
  f.reasons = {Reason::rejected, Reason::crashed};
  CHECK(f.has(letter()));
  f.reasons.pop_back();
  CHECK_FALSE(f.has(letter()));
  f = {};
  f.since_ns = f.until_ns = 1000;
  CHECK(f.has(letter()));
  f.since_ns = 1001;
  CHECK_FALSE(f.has(letter()));
  f = {};
  f.until_ns = 999;
  CHECK_FALSE(f.has(letter()));
  f = {};
  f.ids = {"d-nothing", letter_id(letter()).substr(0, 6)};
  CHECK(f.has(letter()));
  f.ids.pop_back();
  CHECK_FALSE(f.has(letter()));
}

TEST_CASE("a filter goes through a request as it is") {
  LetterFilter f;
  CHECK(f.text().empty());
  CHECK(LetterFilter::parse("").has_value());
  f.ids = {"d-1", "d-2"};
  f.sources = {"in"};
  f.handlers = {"a", "b"};
  f.reasons = {Reason::skipped, Reason::no_route};
  f.since_ns = 5;
  f.until_ns = 6;
  CHECK(f.text() ==
        "id=d-1 id=d-2 source=in handler=a handler=b reason=skipped reason=no_route since=5 "
        "until=6");
  CHECK(LetterFilter::parse(f.text())->text() == f.text());
  for (const auto* wrong : {"id", "id=", "size=3", "reason=nonsense", "since=x", "since=-1",
                            "reason=queue_full", "handler=a nonsense"})
    CHECK_FALSE(LetterFilter::parse(wrong));
}
