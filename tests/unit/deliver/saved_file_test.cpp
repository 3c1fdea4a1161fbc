// SPDX-License-Identifier: Apache-2.0
#include "deliver/saved_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "deliver/saved_kit.h"

using namespace standpipe;
using deliver::SavedFile, deliver::SavedReader;

namespace {

class Fixture : public test::SavedKit {
 public:
  // "kind source handlers number" of each.
  Texts found() const {
    Texts all;
    for (const auto& file : deliver::saved_files(folder.path()))
      all.push_back(std::string(SavedReader(file).kind()) + ' ' + file.source + ' ' + file.handler +
                    ' ' + std::to_string(file.number));
    return all;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "where nothing was saved, there are no files") { CHECK(found().empty()); }

TEST_CASE_METHOD(Fixture, "spills, overflows, queues and dead letters are found, in their order") {
  queue("in", "b", 1, {"one"});
  queue("in", "a/b", 9, {"ten"});
  queue("in", "a/b", 10, {"eleven"});
  spill("in", {"one"});
  overflow("in", {"two"});
  spill("about", {"three"});
  letter("four");
  std::ofstream(folder / "queue/in/b/notes.log") << "no segment";
  std::ofstream(folder / "spill/in-3.log.damaged") << "set aside";
  CHECK(found() == Texts{"spill about  1", "spill in  1", "overflow in  2", "queue in a/b 9",
                         "queue in a/b 10", "queue in b 1", "dead letters   0"});
}

TEST_CASE_METHOD(Fixture, "messages are read with all that is known of them") {
  spill("in", {"one", "two"});
  queue("in", "b", 5, {"three"});
  CHECK(messages(0) == Texts{"1@10 a,b: one", "2@20 a,b: two"});
  CHECK(messages(1) == Texts{"1@10 b: three"});
}

TEST_CASE_METHOD(Fixture, "what was delivered of a file is passed over") {
  const auto spilled = spill("in", {"one", "two", "three"});
  const auto queued = queue("in", "b", 5, {"four", "five", "six"});
  REQUIRE_FALSE(log::DiskLog::set_done(spilled, 1));
  REQUIRE_FALSE(log::DiskLog::set_done(queued, 2));
  CHECK(messages(0) == Texts{"2@20 a,b: two", "3@30 a,b: three"});
  CHECK(messages(1) == Texts{"3@30 b: six"});
}

TEST_CASE_METHOD(Fixture, "the damage of a file is told apart from an end that a death truncated") {
  const auto spilled = spill("in", {"one", "two"});
  const auto flowed = overflow("in", {"three", "four"});
  const auto queued = queue("in", "b", 5, {"five", "six"});
  for (std::size_t i = 0; i < 3; ++i) CHECK(damage(i).empty());
  for (const auto& path : {spilled, flowed, queued})
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK(damage(0).size() == 2);  // a spill is whole or not at all
  CHECK(damage(1).empty());
  CHECK(damage(2).empty());
  CHECK(messages(2) == Texts{"1@10 b: five"});
  change(queued, "five", "FIVE");
  REQUIRE(damage(2).size() == 1);  // nothing whole is left after it
  CHECK(damage(2)[0].find(" at its end cannot be read: a record's checksum is wrong") !=
        std::string::npos);
  change(overflow("in", {"seven", "eight"}), "seven", "SEVEN");
  REQUIRE(damage(2).size() == 1);
  CHECK(damage(2)[0].find("1 record (") == 0);
}

TEST_CASE_METHOD(Fixture, "a file that is none is refused") {
  const auto path = spill("in", {"one"});
  std::ofstream(path) << "garbage, and more than a header of it, all of it";
  CHECK_THROWS_AS(messages(0), Failure);
}
