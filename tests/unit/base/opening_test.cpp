// SPDX-License-Identifier: Apache-2.0
#include "base/opening.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;

TEST_CASE("what cannot be opened is a failure with its own remedy, or else the caller's") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(fd_of(paths::open_existing(folder / "none", O_RDONLY)),
                    Catch::Matchers::Contains(folder / "none"));
  CHECK(failure_of({.error = 0, .text = "it is a link", .help = "", .at = "/it"}, "ask").help() ==
        "ask");
  CHECK(failure_of({.error = 0, .text = "it is a link", .help = "remove it", .at = "/it"}, "ask")
            .help() == "remove it");
}

TEST_CASE("a link in the place of a file of the data folder is not followed") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  std::filesystem::create_symlink("file", folder / "link");
  CHECK(fd_of(paths::open_existing(folder / "file", O_RDONLY, own_file())));
  const auto link = paths::open_existing(folder / "link", O_RDONLY, own_file());
  CHECK_FALSE(link);
  CHECK_THROWS_AS(fd_of(paths::open_existing(folder / "link", O_RDONLY, own_file())), Failure);
}
