// SPDX-License-Identifier: Apache-2.0
#include "deliver/writer_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::WriterLock;

namespace {

struct Fixture {
  Fd open() const { return Fd(::open((folder / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }

  test::TemporaryFolder folder;
  Fd ours = open(), theirs = open();
  WriterLock lock;
};

}  // namespace

TEST_CASE_METHOD(
    Fixture, "the lock is one that other programs respect, and since when it is held is known") {
  CHECK(lock.try_lock(ours.get(), 5s));
  CHECK(lock.is_held());
  CHECK(lock.held_for(7s) == Nanoseconds(2s));
  CHECK(::flock(theirs.get(), LOCK_EX | LOCK_NB) != 0);
  lock.release(ours.get());
  CHECK_FALSE(lock.is_held());
  CHECK(::flock(theirs.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE_METHOD(Fixture,
                 "each failure doubles the pause, up to a bound, and a success ends that") {
  REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
  for (const auto pause : {1ms, 2ms, 4ms, 8ms, 16ms, 20ms, 20ms}) {
    CHECK_FALSE(lock.try_lock(ours.get(), 1s));
    CHECK(lock.retry_at() == 1s + pause);
    CHECK_FALSE(lock.may_try(1s + pause - 1ns));
    CHECK(lock.may_try(1s + pause));
  }
  ::flock(theirs.get(), LOCK_UN);
  CHECK(lock.try_lock(ours.get(), 2s));
  lock.release(ours.get());
  REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
  CHECK_FALSE(lock.try_lock(ours.get(), 3s));
  CHECK(lock.retry_at() == 3s + WriterLock::kRetryFirst);
}

TEST_CASE_METHOD(Fixture, "a descriptor that cannot be locked has nobody to wait for") {
  CHECK(lock.try_lock(-1, 1s));
}

TEST_CASE_METHOD(Fixture, "a lock that an earlier worker left is given back outside a frame") {
  REQUIRE(::flock(ours.get(), LOCK_EX) == 0);
  lock.recover(ours.get(), false, 1s);
  CHECK(::flock(theirs.get(), LOCK_EX | LOCK_NB) == 0);
}
