// SPDX-License-Identifier: Apache-2.0
#include "deliver/replayed_letters.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"
#include "failing_disk.h"
#include "scripted.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::DeadLetter;
using deliver::DeadLetterReader;
using deliver::DeadLetters;
using deliver::LetterFilter;
using deliver::ReplayedLetters;

namespace {

using Numbers = std::vector<std::uint64_t>;

// Ten letters. Verbs: left (their numbers), leave_out, compact.
class Fixture {
 public:
  Fixture() {
    for (std::uint64_t n = 1; n <= 10; ++n) put(n);
  }
  void put(std::uint64_t n) {
    const std::string payload = "message " + std::to_string(n);
    const DeadLetter letter{.source = "in",
                            .handler = "it",
                            .sequence = n,
                            .payload = std::as_bytes(std::span(payload))};
    REQUIRE_FALSE(letters.put({&letter, 1}));
  }
  Numbers left() const {
    Numbers numbers;
    DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next()) numbers.push_back(letter->sequence);
    return numbers;
  }
  std::vector<std::uint64_t> identities(const Numbers& of) const {
    std::vector<std::uint64_t> all;
    DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next())
      if (std::find(of.begin(), of.end(), letter->sequence) != of.end())
        all.push_back(letter->identity());
    return all;
  }
  void leave_out(const Numbers& of) { REQUIRE_FALSE(letters.leave_out(identities(of))); }
  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
      ++count;
    return count;
  }

  test::TemporaryFolder folder;
  test::Quiet quiet;
  DeadLetters letters{folder.path(), 7, quiet};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "letters that were replayed are not there, though their file is") {
  leave_out({1, 4, 10});
  CHECK(left() == Numbers{2, 3, 5, 6, 7, 8, 9});
  leave_out({2, 3});
  CHECK(left() == Numbers{5, 6, 7, 8, 9});
  CHECK(ReplayedLetters::read(folder.path()).size() == 5);
  DeadLetters next(folder.path(), 8, quiet);  // another run
  put(11);
  CHECK(left() == Numbers{5, 6, 7, 8, 9, 11});
}

TEST_CASE_METHOD(Fixture, "files are written anew without them, and then the list goes") {
  (void)letters.close_all();
  put(11);
  leave_out({1, 4, 10});
  letters.compact();
  CHECK_FALSE(std::filesystem::exists(ReplayedLetters::path_in(folder.path())));
  CHECK(left() == Numbers{2, 3, 5, 6, 7, 8, 9, 11});
  leave_out({2, 3, 5, 6, 7, 8, 9});
  letters.compact();
  CHECK(files() == 1);  // nothing was left of the closed one
  CHECK(left() == Numbers{11});
}

TEST_CASE_METHOD(Fixture, "a purge does not count what had gone, and takes it along") {
  leave_out({1, 4});
  CHECK(letters.purge(LetterFilter{}) == 8);
  CHECK(files() == 0);
  put(12);
  CHECK(left() == Numbers{12});
}

TEST_CASE_METHOD(Fixture,
                 "files that are closed have the letters of before, and later ones do not") {
  const auto last = letters.close_all();
  CHECK(last == 1);
  put(11);
  CHECK(letters.close_all() == 2);
  DeadLetterReader reader(folder.path(), last);
  std::size_t count = 0;
  while (reader.next()) ++count;
  CHECK(count == 10);
}

TEST_CASE_METHOD(Fixture, "of a list that a kill truncated, what is whole counts") {
  leave_out({1});
  leave_out({2});
  const auto path = ReplayedLetters::path_in(folder.path());
  const auto size = std::filesystem::file_size(path);
  for (auto bytes = size; bytes > 0; --bytes) {
    std::filesystem::resize_file(path, bytes - 1);
    const auto numbers = left();
    CHECK(numbers.size() >= 8);
    CHECK(std::find(numbers.begin(), numbers.end(), 2) != numbers.end());
  }
}

TEST_CASE_METHOD(Fixture, "a list that cannot be read shows letters again, and is set aside") {
  leave_out({1, 2});
  letters.reopen();
  const auto list = ReplayedLetters::path_in(folder.path());
  std::ofstream(list, std::ios::binary | std::ios::trunc) << std::string(5000, '\0');
  DeadLetterReader reader(folder.path());
  REQUIRE(reader.problems().size() == 1);
  CHECK(std::string(reader.problems()[0].what()).find("are shown again") != std::string::npos);
  CHECK(left().size() == 10);
  SECTION("by what is replayed next") { leave_out({3}); }
  SECTION("by a purge") {
    CHECK(letters.purge(
              LetterFilter{.ids = {}, .sources = {}, .handlers = {"no"}, .reasons = {}}) == 0);
  }
  CHECK(std::filesystem::file_size(list + ".damaged") == 5000);
  CHECK(DeadLetterReader(folder.path()).problems().empty());
}
