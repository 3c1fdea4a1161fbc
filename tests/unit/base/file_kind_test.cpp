// SPDX-License-Identifier: Apache-2.0
#include "base/file_kind.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporary_folder.h"

using namespace standpipe;

namespace {

std::string kind_at(const std::string& path) {
  struct stat there {};
  REQUIRE(::lstat(path.c_str(), &there) == 0);
  return file_kind(there.st_mode);
}

}  // namespace

TEST_CASE("each kind of file has its word") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "something";
  std::filesystem::create_symlink("file", folder / "link");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(kind_at(folder.path()) == "a folder");
  CHECK(kind_at(folder / "file") == "a regular file");
  CHECK(kind_at(folder / "link") == "a symbolic link");
  CHECK(kind_at(folder / "fifo") == "a FIFO");
  CHECK(kind_at("/dev/null") == "a device");
  CHECK(std::string(file_kind(S_IFSOCK | 0600)) == "a socket");
}
