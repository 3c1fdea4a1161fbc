// SPDX-License-Identifier: Apache-2.0
#include "deliver/spill_room.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "base/limits.h"
#include "temporary_folder.h"

using namespace standpipe;

TEST_CASE("room for a spill is taken at once, has no name, and is given back in parts") {
  const test::TemporaryFolder folder;
  deliver::SpillRoom room;
  CHECK_FALSE(room.reserve(folder.path(), 1 * MiB));
  CHECK(room.bytes() == 1 * MiB);
  CHECK(std::filesystem::is_empty(folder / "spill"));
  room.give_back(1 * MiB - 1);
  CHECK(room.bytes() == 1);
  room.give_back(5);
  CHECK(room.bytes() == 0);
}

TEST_CASE("a lack of room is reported") {
  const test::TemporaryFolder folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto small = before;
  small.rlim_cur = 1024;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  deliver::SpillRoom room;
  const auto failure = room.reserve(folder.path(), 1 * MiB);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE(failure);
  CHECK(std::string(failure->what()).find("cannot reserve 1MiB in " + folder / "spill") == 0);
  CHECK(room.bytes() == 0);
}
