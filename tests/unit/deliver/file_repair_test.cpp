// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_repair.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "deliver/saved_kit.h"

using namespace standpipe;
using Fixture = test::SavedKit;

namespace {

deliver::RepairedFile repair_first(const Fixture& kit) {
  return deliver::repair_file(deliver::saved_files(kit.folder.path()).at(0));
}

std::size_t files_in(const std::string& folder) {
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++files;
  return files;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a repaired spill has its sound messages, and lacks none") {
  const auto path = spill("in", {"one", "two", "three"});
  change(path, "two", "TWO");
  const auto before = std::filesystem::file_size(path);
  const auto repaired = repair_first(*this);
  CHECK(repaired.records == 4);  // and two copies of the list
  CHECK(repaired.copy == path + ".damaged");
  CHECK(std::filesystem::file_size(repaired.copy) == before);
  CHECK(damage(0).empty());
  CHECK(messages(0) == Texts{"1@10 a,b: one", "3@30 a,b: three"});
  CHECK_FALSE(deliver::SpillReader(path).is_damaged());
  CHECK(files_in(folder / "spill") == 2);
}

TEST_CASE_METHOD(Fixture, "what was delivered of a repaired file is not delivered again") {
  const auto path = queue("in", "b", 5, {"one", "two", "three"});
  REQUIRE_FALSE(log::DiskLog::set_done(path, 1));
  change(path, "two", "TWO");
  repair_first(*this);
  CHECK(messages(0) == Texts{"3@30 b: three"});
}

TEST_CASE_METHOD(Fixture, "a damaged header and a spill without its end are mended") {
  const auto path = spill("in", {"one", "two"});
  change(path, "stdplog", "sTdplog");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK(damage(0).size() == 3);
  repair_first(*this);
  CHECK(damage(0).empty());
  CHECK(messages(0).size() == 2);
}

TEST_CASE_METHOD(Fixture, "dead letters are repaired, and an earlier copy stays") {
  letter("one");
  letter("two");
  const auto path = letter("three");
  std::ofstream(path + ".damaged") << "mine";
  change(path, "two", "TWO");
  CHECK(repair_first(*this).copy == path + ".damaged-2");
  CHECK(damage(0).empty());
  deliver::DeadLetterReader reader(folder.path());
  CHECK(reader.next()->sequence == 1);
  CHECK(reader.next()->sequence == 3);
  CHECK_FALSE(reader.next());
}

TEST_CASE_METHOD(Fixture, "what cannot be repaired stays as it is") {
  const auto path = spill("in", {"one"});
  std::filesystem::create_directories(path + ".tmp/in the way");
  CHECK_THROWS_AS(repair_first(*this), Failure);
  CHECK(messages(0) == Texts{"1@10 a,b: one"});
}
