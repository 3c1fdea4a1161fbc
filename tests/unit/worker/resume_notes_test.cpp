// SPDX-License-Identifier: Apache-2.0
#include "worker/resume_notes.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporary_folder.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using worker::ResumeNotes;

TEST_CASE("Where sources go on is found again, whatever bytes it is, by source and plugin") {
  const test::TemporaryFolder folder;
  test::Listening reporter;
  const std::string text("a\0b\nend 0\n", 10);
  for (const bool syncs : {false, true}) {
    ResumeNotes notes(folder.path(), reporter);
    notes.write({{{"in", "replay"}, text}, {{"other/one", "exec"}, "x"}}, syncs);
    const ResumeNotes later(folder.path(), reporter);
    CHECK(later.of("in", "replay") == text);
    CHECK(later.of("other/one", "exec") == "x");
    CHECK(later.of("in", "generate").empty());
    CHECK(later.of("nobody", "replay").empty());
  }
}

TEST_CASE("Sources that are not there now keep what they had") {
  const test::TemporaryFolder folder;
  test::Listening reporter;
  ResumeNotes(folder.path(), reporter).write({{{"a", "p"}, "1"}, {{"b", "p"}, "2"}}, false);
  ResumeNotes(folder.path(), reporter).write({{{"a", "p"}, "3"}}, false);
  CHECK(ResumeNotes(folder.path(), reporter).of("a", "p") == "3");
  CHECK(ResumeNotes(folder.path(), reporter).of("b", "p") == "2");
}

TEST_CASE("Nothing is written when nothing is new") {
  const test::TemporaryFolder folder;
  test::Listening reporter;
  ResumeNotes notes(folder.path(), reporter);
  notes.write({{{"a", "p"}, "1"}}, false);
  std::filesystem::remove(folder / "resume");
  notes.write({{{"a", "p"}, "1"}}, false);
  CHECK_FALSE(std::filesystem::exists(folder / "resume"));
  notes.write({{{"a", "p"}, "1"}}, true);
  CHECK(std::filesystem::exists(folder / "resume"));
}

TEST_CASE("A file that is not whole is said, and sources begin anew") {
  const test::TemporaryFolder folder;
  test::Listening reporter;
  std::ofstream(folder / "resume") << "in/replay 500\nshort";
  const ResumeNotes notes(folder.path(), reporter);
  CHECK(notes.of("in", "replay").empty());
  REQUIRE(reporter.reported.size() == 1);
  CHECK(reporter.reported[0].message.find("is not whole") != std::string::npos);
}

TEST_CASE("What cannot be written is said once, and tried again") {
  const test::TemporaryFolder folder;
  test::Listening reporter;
  std::filesystem::create_directory(folder / "resume");
  ResumeNotes notes(folder.path(), reporter);
  notes.write({{{"a", "p"}, "1"}}, false);
  notes.write({{{"a", "p"}, "2"}}, false);
  CHECK(std::count_if(reporter.reported.begin(), reporter.reported.end(), [](const auto& d) {
          return d.message.find("cannot be kept") != std::string::npos;
        }) == 1);
  std::filesystem::remove(folder / "resume");
  notes.write({{{"a", "p"}, "2"}}, false);
  CHECK(ResumeNotes(folder.path(), reporter).of("a", "p") == "2");
}
