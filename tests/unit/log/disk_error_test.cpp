// SPDX-License-Identifier: Apache-2.0
#include "log/disk_error.h"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace standpipe::log;

TEST_CASE("what a disk says comes with what to do about it") {
  CHECK(disk_help(ENOSPC, "/d/log") == "make room in the file system of /d/log");
  CHECK(disk_help(EDQUOT, "/d/log") == disk_help(ENOSPC, "/d/log"));
  CHECK(disk_help(EFBIG, "/d/log") == "raise the limit of a file's size (ulimit -f)");
  CHECK(disk_help(EIO, "/d/log") == "look at the disk: dmesg says what it reported");
  CHECK(disk_help(EACCES, "/d/log") == "it must belong to the hub's user");
  CHECK(disk_help(EBADF, "/d/log").empty());
}

TEST_CASE("the message names the action, the file and the error") {
  const auto failure = disk_error("sync", "/d/log", EIO);
  CHECK(std::string(failure.what()).find("sync /d/log") != std::string::npos);
  CHECK(failure.help() == disk_help(EIO, "/d/log"));
}
