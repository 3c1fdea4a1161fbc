// SPDX-License-Identifier: Apache-2.0
#include "base/lock_holders.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  ~Fixture() {
    if (child > 0) ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
  }
  Fd open() const {
    return Fd(::open((folder_ / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  // A child that has copies of all that is open here.
  void fork_child() {
    child = ::fork();
    if (child != 0) return;
    for (;;) ::pause();
  }

  pid_t child = 0;

 private:
  test::TemporaryFolder folder_;
};

using Processes = std::vector<pid_t>;

}  // namespace

TEST_CASE_METHOD(Fixture, "a lock that only a child holds any more is that child's") {
  auto locked = open();
  REQUIRE(::flock(locked.get(), LOCK_EX) == 0);
  const auto other = open();
  CHECK(lock_holders(other.get()) == Processes{::getpid()});
  fork_child();
  locked.reset();
  CHECK(lock_holders(other.get()) == Processes{child});
}

TEST_CASE_METHOD(Fixture,
                 "a record lock of an open file counts, one of a process does not, nor does who "
                 "only has it open") {
  const auto locked = open(), other = open();
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  const int command = GENERATE(F_OFD_SETLK, F_SETLK, F_GETFD);
  REQUIRE(::fcntl(locked.get(), command, &lock) >= 0);
  CHECK(lock_holders(other.get()) ==
        (command == F_OFD_SETLK ? Processes{::getpid()} : Processes{}));
}

TEST_CASE_METHOD(Fixture, "their parent is reported, and how to end them", "[fork]") {
  fork_child();
  CHECK(is_or_has(::getpid(), {child}));
  CHECK(is_or_has(child, {child}));
  CHECK_FALSE(is_or_has(child, {::getpid()}));
  const auto number = std::to_string(child);
  CHECK(processes_text({child}).starts_with("process " + number + " (unit_base"));
  CHECK(processes_text({child, child})
            .starts_with("processes " + number + " (unit_base), " + number));
  CHECK(how_to_end({child}) == "end it: kill " + number);
  CHECK(how_to_end({1, 2}) == "end them: kill 1 2");
}
