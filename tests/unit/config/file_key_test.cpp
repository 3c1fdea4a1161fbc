// SPDX-License-Identifier: Apache-2.0
#include "config/file_key.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

using standpipe::config::file_key;
namespace fs = std::filesystem;

TEST_CASE("a file has one key, by whatever name") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  std::ofstream(folder / "other") << "x";
  fs::create_symlink("file", folder / "link");
  fs::create_hard_link(folder / "file", folder / "second");
  for (const auto* name : {"link", "second", "./file"})
    CHECK(file_key(folder / name) == file_key(folder / "file"));
  CHECK(file_key(folder / "other") != file_key(folder / "file"));
}

TEST_CASE("a file that is missing is known by its folder and its name") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "sub");
  fs::create_symlink("sub", folder / "link");
  CHECK(file_key(folder / "link/file") == file_key(folder / "sub/file"));
  CHECK(file_key(folder / "sub/file") != file_key(folder / "file"));
  CHECK(file_key(folder / "sub/file") != file_key(folder / "sub/other"));
}

TEST_CASE("where the folder is missing, too, the path alone counts") {
  const test::TemporaryFolder folder;
  CHECK(file_key(folder / "no/file") == file_key(folder / "no/file"));
  CHECK(file_key(folder / "no/file") != file_key(folder / "nor/file"));
}
