// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_rewrite.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "deliver/letters_kit.h"

using namespace standpipe;

namespace {

using Texts = std::vector<std::string>;

// Letters of two handlers in one file, of which those of "audit" are to go. Verbs: put, begin, end.
class Fixture : public test::LettersKit {
 public:
  Fixture() {
    put(1, "one", "audit");
    put(2, "two");
  }
  // Its first part is done.
  deliver::LetterRewrite begin() {
    deliver::LetterFilter filter;
    filter.handlers = {"audit"};
    return begin(&filter);
  }
  deliver::LetterRewrite begin(const deliver::LetterFilter* filter) {
    auto rewrite = letters().begin_rewrite(filter);
    rewrite.prepare();
    return rewrite;
  }
  // Returns how many letters are gone.
  std::uint64_t end(deliver::LetterRewrite& rewrite) {
    rewrite.replace();
    return letters().end_rewrite(rewrite);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what comes while files are written anew is kept") {
  auto rewrite = begin();
  put(3, "three", "audit");
  CHECK(end(rewrite) == 1);
  CHECK(rewrite.is_over());
  CHECK(all() == Texts{"orders/billing 2 two", "orders/audit 3 three"});
}

TEST_CASE_METHOD(Fixture, "until a new file takes its place the old one is whole") {
  auto rewrite = begin();
  CHECK_FALSE(rewrite.is_over());
  CHECK(rewrite.gone() == 0);
  CHECK(all().size() == 2);
  CHECK(end(rewrite) == 1);
  CHECK(all() == Texts{"orders/billing 2 two"});
}

TEST_CASE_METHOD(Fixture,
                 "a file of which nothing goes stays as it is, and one that empties goes") {
  deliver::LetterFilter filter;
  filter.handlers = {"nobody"};
  auto none = begin(&filter);
  CHECK(end(none) == 0);
  CHECK(all().size() == 2);
  filter.handlers = {"audit", "billing"};
  auto both = begin(&filter);
  CHECK(end(both) == 2);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 0);
}

TEST_CASE_METHOD(Fixture, "a file that was removed while it was written anew does not come again") {
  auto rewrite = begin();
  std::filesystem::remove(folder / "dead-letters-1.log");
  CHECK(end(rewrite) == 0);
  CHECK(all().empty());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 0);
}

TEST_CASE_METHOD(Fixture, "what is replayed while files are written anew stays left out") {
  std::vector<std::uint64_t> identities;
  deliver::DeadLetterReader reader(folder.path());
  while (const auto letter = reader.next()) identities.push_back(letter->identity());
  REQUIRE_FALSE(letters().leave_out({identities.data(), 1}));
  auto rewrite = begin(nullptr);
  REQUIRE_FALSE(letters().leave_out({identities.data() + 1, 1}));
  (void)end(rewrite);
  CHECK(all().empty());
}
