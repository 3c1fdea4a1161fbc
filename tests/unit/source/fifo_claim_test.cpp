// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

constexpr pid_t kUs = 1'000'001, kThem = 1;  // process 1 is always there

class Claimed {
 public:
  Claimed() { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }
  Fd open(const char* how_called = "in") const {
    return Fd(::open((folder / how_called).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  std::string claim(const Fd& fd, pid_t hub) const {
    try {
      source::claim_fifo(path, fd.get(), hub);
    } catch (const Failure& failure) {
      return std::string(failure.what()) + "; " + failure.help();
    }
    return "";
  }

  test::TemporaryFolder folder;
  std::string path = folder / "in";
};

}  // namespace

TEST_CASE(
    "a FIFO that another hub reads is refused with its process, by whatever path it was opened") {
  const Claimed f;
  REQUIRE(::link(f.path.c_str(), (f.folder / "second").c_str()) == 0);
  auto first = f.open();
  const auto second = f.open("second");
  CHECK(f.claim(first, kThem).empty());
  CHECK(f.claim(second, kUs) == "another hub (process 1) reads " + f.path +
                                    "; each would get pieces of messages; stop that one, or give "
                                    "this source a FIFO of its own");
  first.reset();
  CHECK(f.claim(second, kUs).empty());
}

TEST_CASE(
    "a claim belongs to the open file: a copy in the keeper holds it, and the next worker has it "
    "already") {
  const Claimed f;
  auto worker = f.open();
  CHECK(f.claim(worker, kUs).empty());
  const Fd keeper(::fcntl(worker.get(), F_DUPFD_CLOEXEC, 0));
  worker.reset();
  CHECK_FALSE(f.claim(f.open(), kThem).empty());
  CHECK(f.claim(keeper, kUs).empty());
}

TEST_CASE("whoever was refused claims nothing, and what reads without a claim is not asked") {
  const Claimed f;
  const auto first = f.open(), second = f.open(), plain = f.open();
  CHECK(f.claim(first, kUs).empty());
  CHECK_FALSE(f.claim(second, kThem).empty());
  CHECK(f.claim(first, kUs).empty());
}

TEST_CASE(
    "two sources of one hub, and what a dead hub left behind, are told apart from another hub",
    "[fork]") {
  const Claimed f;
  const auto first = f.open(), second = f.open();
  CHECK(f.claim(first, kUs).empty());
  CHECK(f.claim(second, kUs) ==
        "another source reads " + f.path +
            ", by this path or another; give each source a FIFO of its own");
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ::waitpid(gone, nullptr, 0);
  const Claimed g;
  const auto left = g.open(), fresh = g.open();
  CHECK(g.claim(left, gone).empty());
  const auto we = std::to_string(::getpid());
  CHECK(g.claim(fresh, kUs) == g.path + " is still read by what a hub that is gone (process " +
                                   std::to_string(gone) + ") left running: process " + we +
                                   " (unit_source); end it: kill " + we);
}

TEST_CASE("whoever has not opened the FIFO sees who has claimed it") {
  const Claimed f;
  auto reader = f.open();
  const auto id = FileId::of(reader.get());
  CHECK(!source::claimant(id));
  CHECK(f.claim(reader, kUs).empty());
  CHECK(source::claimant(id) == kUs);
  CHECK(!source::claimant(FileId::of(Claimed().open().get())));
  reader.reset();
  CHECK(!source::claimant(id));
}
