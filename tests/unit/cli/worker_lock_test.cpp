// SPDX-License-Identifier: Apache-2.0
#include "cli/worker_lock.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>

#include "base/failure.h"
#include "cli/fifo_fixture.h"

using namespace standpipe;
using namespace std::chrono_literals;
using cli::Waited;
using cli::WorkerLock;

namespace {

// Workers that share a FIFO.
struct Fixture {
  WorkerLock worker() const { return {fifo.path, reader.get()}; }
  Waited lock(WorkerLock& worker) { return worker.lock(interruption, cli::steady_now() + 20ms); }
  std::string lock_path() const { return fifo.path + ".lock"; }
  mode_t mode_of_lock() const {
    struct stat st {};
    REQUIRE(::stat(lock_path().c_str(), &st) == 0);
    return st.st_mode & 07777;
  }
  kit::Fifo fifo;
  Fd reader = fifo.open_reader();
  cli::Interruption interruption;
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "one worker has the lock at a time, and the next one when it is given back") {
  auto first = worker(), second = worker();
  CHECK_FALSE(first.held());
  CHECK(lock(first) == Waited::ready);
  CHECK(first.held());
  CHECK(lock(second) == Waited::late);
  CHECK_FALSE(second.held());
  first.give_back();
  CHECK_FALSE(first.held());
  CHECK(lock(second) == Waited::ready);
}

TEST_CASE_METHOD(Fixture, "a worker that never had the lock gives nothing back") {
  auto first = worker(), second = worker();
  CHECK(lock(first) == Waited::ready);
  second.give_back();
  CHECK(lock(second) == Waited::late);
}

TEST_CASE_METHOD(Fixture, "the lock is not the FIFO's own, which is the writers'") {
  auto only = worker();
  CHECK(lock(only) == Waited::ready);
  CHECK(::flock(reader.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE_METHOD(Fixture,
                 "whoever may read the FIFO may take the lock, and nobody may write to it") {
  REQUIRE(::chmod(fifo.path.c_str(), 0666) == 0);
  (void)worker();
  CHECK(mode_of_lock() == 0644);
}

TEST_CASE_METHOD(Fixture,
                 "of a FIFO that is its owner's alone the lock is, too; and the file stays") {
  (void)worker();
  CHECK(mode_of_lock() == 0600);
  (void)worker();
  CHECK(std::filesystem::exists(lock_path()));
}

TEST_CASE_METHOD(Fixture,
                 "what stands in the place of the lock is refused, and no link is followed") {
  std::filesystem::create_directory(lock_path());
  CHECK_THROWS_WITH(worker(),
                    lock_path() + " is not a regular file, so it cannot be the workers' lock");
  std::filesystem::remove(lock_path());
  std::filesystem::create_symlink(fifo.path, lock_path());
  CHECK_THROWS_AS(worker(), Failure);
}
