// SPDX-License-Identifier: Apache-2.0
#include "base/file_id.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/failure.h"
#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;

TEST_CASE(
    "a file is the same by each of its names, by a link, and by a descriptor, and another one is "
    "not") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "file", other = folder / "other";
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const Fd fd_of_other(::open(other.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::filesystem::create_hard_link(file, folder / "name");
  std::filesystem::create_symlink(file, folder / "link");
  for (const auto* name : {"file", "name", "link"})
    CHECK(FileId::at(folder / name) == FileId::of(fd.get()));
  CHECK(FileId::at(other) != FileId::of(fd.get()));
  CHECK(is_of(fd.get(), *FileId::at(file)));
  CHECK_FALSE(is_of(fd_of_other.get(), *FileId::at(file)));
  std::filesystem::rename(other, file);
  CHECK(FileId::at(file) == FileId::of(fd_of_other.get()));
}

TEST_CASE("what is not there, or not open, is no file") {
  const test::TemporaryFolder folder;
  CHECK(FileId::at(folder / "nothing") == std::nullopt);
  CHECK_FALSE(is_of(-1, FileId{}));
  CHECK_THROWS_AS(FileId::of(-1), Failure);
}
