// SPDX-License-Identifier: Apache-2.0
#include "conformance/elf_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "base/failure.h"
#include "places.h"
#include "temporary_folder.h"

using namespace standpipe::conformance;

namespace {

ElfFile built(const std::string& name) {
  return ElfFile::read(places::broken() + '/' + name + ".so");
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("a file says what it exports, imports and how it is linked", "[no-sanitizer]") {
  const auto sound = built("broken");
  CHECK(sound.exports == std::vector<std::string>{"standpipe_plugin_v1"});
  CHECK(has(sound.imports, "fork"));
  CHECK(sound.is_kept);
  CHECK_FALSE(sound.has_executable_stack);
  CHECK_FALSE(sound.has_text_relocations);
  CHECK(built("exports").exports.size() == 2);
  CHECK(has(built("imports").imports, "nobody_defines_this"));
  CHECK_FALSE(built("flags").is_kept);
}

TEST_CASE("what is no shared object, or leads out of its file, is refused") {
  const test::TemporaryFolder folder;
  std::ifstream file(places::broken() + "/broken.so", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const auto path = folder / "x.so";
  const auto read = [&](std::string bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    return ElfFile::read(path);
  };
  CHECK_THROWS_AS(read("#!/bin/sh\n"), standpipe::Failure);
  CHECK_THROWS_AS(read(whole.substr(0, whole.size() / 3)), standpipe::Failure);
  auto wild = whole;
  wild.replace(40, 8, std::string(8, '\x7f'));  // where the table of sections begins
  CHECK_THROWS_AS(read(wild), standpipe::Failure);
}
