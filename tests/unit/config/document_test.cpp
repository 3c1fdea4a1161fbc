// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/limits.h"
#include "config/bundle.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace standpipe::config;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// What is read, or "MESSAGE (HELP)".
std::string read(const std::string& path) {
  const auto result = read_whole(path);
  if (const auto* text = std::get_if<std::string>(&result)) return *text;
  const auto& problem = std::get<Diagnostic>(result);
  return problem.message + (problem.help.empty() ? "" : " (" + problem.help[0] + ")");
}

}  // namespace

TEST_CASE("lines are counted from 1, and end without their newline, whichever it is") {
  const Document document("hub.yaml", "one\r\ntwo\n\nfour");
  CHECK(document.lines() == 4);
  CHECK(document.line(1) == "one");
  CHECK(document.line(2) == "two");
  CHECK(document.line(3).empty());
  CHECK(document.line(4) == "four");
  CHECK(document.line(0).empty());
  CHECK(document.line(5).empty());
}

TEST_CASE("a place in the text is a line and a byte in it, and leads back") {
  const Document document("hub.yaml", "one\ntwo\n", 3);
  for (std::size_t offset = 0; offset < 8; ++offset) {
    const auto spot = document.spot_at(offset);
    CHECK(spot.line == 1 + offset / 4);
    CHECK(spot.byte == offset % 4);
    CHECK(spot.file == 3);
    CHECK(document.offset(spot) == offset);
  }
  CHECK(document.offset(Spot{}) == 0);
}

TEST_CASE("people are shown characters, also in a line that is longer than a block") {
  const Document document("hub.yaml", "a\xc3\xa9\xc3\xa9z: \xe2\x82\xac\n");
  const auto place = document.place({1, 5, 6, 0});
  CHECK(place.column == 4);
  CHECK(place.width == 4);
  std::string line;
  for (int i = 0; i < 3000; ++i) line += "\xc3\xa9";
  const Document longer("hub.yaml", "x\n" + line);
  for (const std::uint32_t characters : {0u, 1u, 511u, 512u, 513u, 2999u}) {
    CHECK(longer.column({2, 2 * characters, 1, 0}) == characters + 1);
    CHECK(longer.place({2, 2 * characters, 2, 0}).column == characters + 1);
  }
}

TEST_CASE("a mistake within a value is shown at the part that is wrong, if it stands there so") {
  const Document document("hub.yaml", "path: /a/${X}/b ${X}\n");
  const Spot value{1, 6, 9, 0};
  CHECK(document.narrowed(value, "${X}").byte == 9);
  CHECK(document.narrowed(value, "${X}").bytes == 4);
  CHECK(document.narrowed(value, "${Y}") == value);
  CHECK(document.narrowed({1, 6, 2, 0}, "${X}") == Spot{1, 6, 2, 0});  // it stands behind
}

TEST_CASE("a place is said to somebody who looks at another one") {
  auto bundle = bundle_of("x\nyz\n", "a.yaml");
  bundle.files.push_back(bundle_of("x\n", "b.yaml").files[0]);
  const Documents documents(bundle);
  const Spot here{2, 0, 1, 0};
  CHECK(documents.position({2, 1, 1, 0}) == "a.yaml:2:2");
  CHECK(documents.beside({2, 1, 1, 0}, here) == "in this line");
  CHECK(documents.beside({1, 0, 1, 0}, here) == "in line 1");
  CHECK(documents.beside({1, 0, 1, 1}, here) == "at b.yaml:1:1");
}

TEST_CASE("a folder's YAML files are those with its endings, sorted, and not hidden") {
  const test::TemporaryFolder folder;
  for (const auto* name : {"b.yml", "a.yaml", ".c.yaml", "d.yaml~", "e.json"})
    write(folder / name, "");
  CHECK(yaml_files_in(folder.path(), 10) == std::vector<std::string>{"a.yaml", "b.yml"});
  CHECK(yaml_files_in(folder.path(), 1)->size() == 2);
  CHECK_FALSE(yaml_files_in(folder / "none", 10));
}

TEST_CASE("what cannot be read says why, and no FIFO makes it wait") {
  const test::TemporaryFolder folder;
  write(folder / "hub.yaml", "text");
  CHECK(read(folder / "hub.yaml") == "text");
  CHECK(read(folder / "hubb.yaml") == "cannot read " + (folder / "hubb.yaml") +
                                          ": no such file (did you mean '" + (folder / "hub.yaml") +
                                          "'?)");
  CHECK(read(folder.path()) == "cannot read " + folder.path() + ": it is a folder (name a file)");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(read(folder / "fifo") ==
        "cannot read " + (folder / "fifo") +
            ": it is not a regular file (save it as a file and name that)");
  write(folder / "large", "");
  std::filesystem::resize_file(folder / "large", kConfigBytesMax + 1);
  CHECK(read(folder / "large").find("more than a configuration may have") != std::string::npos);
}
