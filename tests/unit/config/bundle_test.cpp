// SPDX-License-Identifier: Apache-2.0
#include "config/bundle.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/limits.h"
#include "base/text.h"
#include "temporary_folder.h"

using namespace standpipe;
using config::Bundle;
using config::read_bundle;

namespace {

Bundle read(const std::vector<std::string>& paths, const std::vector<std::string>& places = {}) {
  auto read = read_bundle(paths, places);
  if (const auto* why = std::get_if<std::vector<Diagnostic>>(&read)) {
    INFO(render(why->at(0), false));
    REQUIRE(why->empty());
  }
  return std::get<Bundle>(std::move(read));
}

std::string refusal(const std::vector<std::string>& paths) {
  auto read = read_bundle(paths);
  REQUIRE(std::holds_alternative<std::vector<Diagnostic>>(read));
  std::string codes;
  for (const auto& d : std::get<std::vector<Diagnostic>>(read))
    codes += (codes.empty() ? "" : " ") + d.code;
  return codes;
}

}  // namespace

TEST_CASE("a folder brings its .yaml and .yml files by name, and nothing hidden or below") {
  const test::TemporaryFolder folder;
  ::mkdir((folder / "d").c_str(), 0700);
  ::mkdir((folder / "d/sub").c_str(), 0700);
  for (const auto* name : {"b.yaml", "a.yml", "c.yaml~", ".d.yaml", "e.txt", "sub/f.yaml"})
    std::ofstream(folder / "d" + "/" + name) << name;
  const auto bundle = read({folder / "d/"});
  CHECK(bundle.name == folder / "d");
  CHECK(bundle.place == folder / "d");
  REQUIRE(bundle.files.size() == 2);
  CHECK(bundle.files[0].name == folder / "d/a.yml");
  CHECK(bundle.files[0].place == folder / "d/a.yml");
  CHECK(bundle.files[0].text == "a.yml");
  CHECK(bundle.files[1].text == "b.yaml");
}

TEST_CASE("files keep the places where the hub's start found them") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "a.yaml") << "a";
  std::ofstream(folder / "b.yaml") << "b";
  const auto bundle = read({"b.yaml", "./conf/a.yaml"}, {folder / "b.yaml", folder / "a.yaml"});
  CHECK(bundle.name == "b.yaml and 1 more");
  CHECK(bundle.place == folder / "b.yaml");
  CHECK(bundle.files.at(0) == config::ConfigFile{"b.yaml", folder / "b.yaml", "b"});
  CHECK(bundle.files.at(1) == config::ConfigFile{"./conf/a.yaml", folder / "a.yaml", "a"});
}

TEST_CASE("a bundle is the same after packing, whatever its texts hold") {
  const Bundle bundle{"conf.d",
                      "/etc/conf.d",
                      {{"conf.d/a:1.yaml", "/etc/conf.d/a:1.yaml", std::string("3:abc\0\n", 7)},
                       {"conf.d/b.yaml", "/etc/conf.d/b.yaml", ""}}};
  CHECK(config::unpack(config::pack(bundle)) == bundle);
}

TEST_CASE("what was not packed, or was cut, is not unpacked") {
  const auto packed = config::pack(config::bundle_of("version: 1\n", "a.yaml", "/etc/a.yaml"));
  REQUIRE(config::unpack(packed));
  for (std::size_t bytes = 1; bytes < packed.size(); ++bytes) {
    const auto cut = config::unpack(packed.substr(0, bytes));
    CHECK((!cut || cut->files.empty()));
  }
  CHECK(!config::unpack("version: 1\n"));
  CHECK(!config::unpack(packed + "-1:"));
}

TEST_CASE("each path that cannot be read is told") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "a.yaml") << "a";
  ::symlink("a.yaml", (folder / "link.yaml").c_str());
  ::mkdir((folder / "empty").c_str(), 0700);
  CHECK(refusal({folder / "no.yaml", folder / "empty", folder / "a.yaml"}) ==
        "unreadable-file empty-folder");
  CHECK(refusal({folder / "a.yaml", folder / "link.yaml"}) == "same-file");
  CHECK(refusal({folder.path(), folder / "a.yaml"}) == "same-file same-file");
}

TEST_CASE("files are bounded in number and altogether in bytes") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "a.yaml") << std::string(kConfigBytesMax / 2 + 1, '#');
  std::ofstream(folder / "b.yaml") << std::string(kConfigBytesMax / 2 + 1, '#');
  CHECK(refusal({folder.path()}) == "file-too-large");
  ::mkdir((folder / "many").c_str(), 0700);
  for (std::size_t i = 0; i <= kConfigFilesMax; ++i)
    std::ofstream(folder / "many/" + std::to_string(i) + ".yaml") << "";
  CHECK(refusal({folder / "many"}) == "too-many-files");
}
