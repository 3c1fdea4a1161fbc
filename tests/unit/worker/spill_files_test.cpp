// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_files.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "worker/spill_kit.h"

using namespace standpipe;
using test::read_spill, test::Texts, test::write_spill;

namespace {

class Fixture {
 public:
  // A bit of the second message changes.
  void damage(const std::string& path) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    const auto at = bytes.find("two");
    REQUIRE(at != std::string::npos);
    file.seekp(static_cast<std::streamoff>(at)).put('T');
  }
  void read_all(const std::string& path) {
    deliver::SpillReader reader(path);
    while (reader.next()) {
    }
    files.was_read(reader);
  }
  Texts names() const {
    Texts all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
      if (entry.is_regular_file()) all.push_back(entry.path().extension());
    return all;
  }

  test::TemporaryFolder folder;
  test::SpillReporter reporter;
  worker::SpillFiles files{"in", reporter};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a file that was served is removed, and one that is gone is no mistake") {
  const auto path = write_spill(folder, {"a one", "a two"});
  read_all(path);
  files.remove(path);
  CHECK(names().empty());
  files.remove(path);
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(Fixture,
                 "a damaged file is reported and kept, whether this worker read it or not") {
  const bool is_read = GENERATE(true, false);
  const auto path = write_spill(folder, {"a one", "a two", "a three"});
  damage(path);
  if (is_read) read_all(path);
  CHECK(reporter.has_reported("kept as " + path + ".damaged") == is_read);
  files.remove(path);
  CHECK(names() == Texts{".damaged"});
  CHECK(deliver::SpillReader::find(folder.path(), "in").empty());  // no start finds it
}

TEST_CASE_METHOD(Fixture,
                 "a file that cannot be read is kept under another name, with the reason") {
  const auto path = write_spill(folder, {"a one"});
  files.keep_unreadable(path, Failure("it is no spill", "look at it"));
  CHECK(names() == Texts{".unreadable"});
  CHECK(reporter.has_reported("it is no spill; they are left in " + path + ".unreadable"));
}

TEST_CASE_METHOD(Fixture, "what was served of a file does not come from it again") {
  const auto path = write_spill(folder, {"a one", "a two"});
  files.set_served(path, 1);
  CHECK(deliver::SpillReader(path).served() == 1);
  std::filesystem::remove(path);
  files.set_served(path, 1);
  CHECK(reporter.has_reported("what was delivered of " + path + " is redelivered"));
}
