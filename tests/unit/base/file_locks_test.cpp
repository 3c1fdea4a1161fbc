// SPDX-License-Identifier: Apache-2.0
#include "base/file_locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;

TEST_CASE("a lock's line says its kind, its file and its first byte") {
  const auto lock =
      parse_file_lock("12: OFDLCK ADVISORY  READ -1 fe:0a:9980446 1099511627819 1099511627819");
  REQUIRE(lock);
  CHECK(lock->kind == "OFDLCK");
  CHECK(lock->file == FileId{gnu_dev_makedev(0xfe, 0x0a), 9980446});
  CHECK(lock->first_byte == 1099511627819);
}

TEST_CASE("who waits for a lock, and what is no lock, are left out") {
  for (const auto* line :
       {"", "1: FLOCK", "1: -> FLOCK  ADVISORY  WRITE 11423 fe:00:9980446 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 1 fe:9980446 0 EOF", "1: FLOCK  ADVISORY  WRITE 1 zz:00:1 0 EOF",
        "1: LEASE  ACTIVE  READ 1 fe:00:1 x EOF"}) {
    INFO(line);
    CHECK(!parse_file_lock(line));
  }
}

TEST_CASE("a lock of this process is there while it is held") {
  const test::TemporaryFolder folder;
  Fd file(::open((folder / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const auto id = FileId::of(file.get());
  const auto is_locked = [&] {
    return std::ranges::any_of(file_locks(), [&](const auto& lock) { return lock.file == id; });
  };
  CHECK(!is_locked());
  REQUIRE(::flock(file.get(), LOCK_EX) == 0);
  CHECK(is_locked());
  file.reset();
  CHECK(!is_locked());
}
