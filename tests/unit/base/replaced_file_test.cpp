// SPDX-License-Identifier: Apache-2.0
#include "base/replaced_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "temporary_folder.h"

using namespace standpipe;

namespace {

struct ReplacedFixture {
  std::string content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(
        std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()));
  }
  test::TemporaryFolder folder;
  std::string path = folder / "notes";
};

}  // namespace

TEST_CASE_METHOD(ReplacedFixture, "a file is made, and replaced by a shorter one, whole") {
  CHECK_FALSE(replace_file(path, std::string(100'000, 'x'), true));
  CHECK(content().size() == 100'000);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_FALSE(replace_file(path, "short", false));
  CHECK(content() == "short");
  CHECK(files() == 1);
}

TEST_CASE_METHOD(ReplacedFixture, "who has it open keeps reading what it was") {
  CHECK_FALSE(replace_file(path, "before", false));
  std::ifstream reader(path);
  CHECK_FALSE(replace_file(path, "after", false));
  CHECK(std::string(std::istreambuf_iterator<char>(reader), {}) == "before");
}

TEST_CASE_METHOD(ReplacedFixture, "what a kill left of the temporary file is written over") {
  std::ofstream(path + ".tmp") << "half of something, and longer than what comes";
  CHECK_FALSE(replace_file(path, "whole", false));
  CHECK(content() == "whole");
  CHECK(files() == 1);
}

TEST_CASE_METHOD(ReplacedFixture, "a link in its place is removed, and nothing is written there") {
  const auto target = folder / "of-somebody-else";
  std::ofstream(target) << "precious";
  std::filesystem::create_symlink(target, path + ".tmp");
  CHECK_FALSE(replace_file(path, "ours", false));
  CHECK(content() == "ours");
  std::ifstream in(target);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "precious");
}

TEST_CASE_METHOD(ReplacedFixture, "what cannot be written leaves the file as it was, and says so") {
  std::filesystem::create_directories(path + "/in the way");
  const auto failure = replace_file(path, "x", false);
  REQUIRE(failure);
  CHECK(std::string(failure->what()).find("cannot write " + path) == 0);
  CHECK(files() == 1);  // no temporary file is left
  CHECK(replace_file(folder / "no/such/folder/file", "x", false));
}
