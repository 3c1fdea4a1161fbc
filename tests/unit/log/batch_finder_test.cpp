// SPDX-License-Identifier: Apache-2.0
#include "log/batch_finder.h"

#include <catch2/catch.hpp>
#include <string>

#include "log/disk_file.h"

using namespace standpipe;
using log::BatchFinder, test::text_of;

namespace {

constexpr std::uint64_t kSalt = 99;

// A file of `bytes`, with heads put into it.
class Fixture {
 public:
  void put_batch(std::uint64_t at) { put(text_of(format.batch({.bytes = 24}, at)), at); }
  void put_record(std::uint64_t at, std::uint32_t bytes) {
    put(text_of(format.record({.bytes = bytes}, at)), at);
  }
  void put(const std::string& bytes, std::uint64_t at) {
    file.put(bytes, static_cast<off_t>(at));
    window.forget();
  }

  static constexpr std::uint64_t end = 600'000;
  log::HeadFormat format{kSalt};
  test::DiskFile file{std::string(end, 'x')};
  log::FileWindow window{file.path(), file.fd()};
  BatchFinder finder{window, format};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the next head is found wherever it is, also between two windows") {
  CHECK(finder.search(0, end) == end);
  for (const std::uint64_t at :
       {end - 16, end - 100, std::uint64_t{262'144}, std::uint64_t{262'140}, std::uint64_t{262'130},
        std::uint64_t{262'121}, std::uint64_t{0}}) {
    put_record(at, 16);
    CHECK(finder.search(0, end) == at);
    CHECK(finder.search(at, end) == at);
  }
  put_batch(100'000);
  CHECK(finder.search(1, end) == 100'000);
}

TEST_CASE_METHOD(Fixture,
                 "a record that leads beyond the end is none, and neither is half a head") {
  put_record(1'000, 500);
  CHECK(finder.record_at(1'000, 1'500));
  CHECK_FALSE(finder.record_at(1'000, 1'499));
  CHECK(finder.search(0, 1'499) == 1'499);
  CHECK_FALSE(finder.record_at(1'000, 1'010));
  CHECK_FALSE(finder.record_at(1'000, 900));
  put_batch(2'000);
  CHECK(finder.batch_at(2'000, 2'024));
  CHECK_FALSE(finder.batch_at(2'000, 2'023));
  CHECK_FALSE(finder.batch_at(2'000, 1'000));
}

TEST_CASE_METHOD(Fixture, "the salt of a file is that of its first batch") {
  put_batch(300'000);
  CHECK(log::find_salt(window, 0, end) == kSalt);
  CHECK_FALSE(log::find_salt(window, 300'001, end));
}
