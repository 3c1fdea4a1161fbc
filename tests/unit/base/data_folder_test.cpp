// SPDX-License-Identifier: Apache-2.0
#include "base/data_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  // "WHAT; HELP" of the failure, or empty.
  template <class... Arguments>
  std::string take(Arguments&&... arguments) {
    try {
      folders_.emplace_back(std::forward<Arguments>(arguments)...);
    } catch (const Failure& f) {
      return std::string(f.what()) + "; " + f.help();
    }
    return "";
  }
  unsigned mode_of(const std::string& name) const {
    struct stat st {};
    return ::stat(name.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  Fd copy_of_lock() const { return Fd(::fcntl(folders_.back().lock_fd(), F_DUPFD_CLOEXEC, 0)); }
  void end() { folders_.clear(); }
  DataFolder& last() { return folders_.back(); }

  test::TemporaryFolder temporary;
  std::string path = temporary / "var/lib/standpipe";
  const std::string we = std::to_string(::getpid());

 private:
  std::vector<DataFolder> folders_;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a data folder is made for its user alone, and those above it") {
  CHECK(take(path) == "");
  CHECK(mode_of(path) == 0700);
  CHECK(mode_of(temporary / "var") == 0700);
  CHECK(mode_of(path + "/lock") == 0600);
}

TEST_CASE_METHOD(Fixture,
                 "a folder that another hub uses is refused, with its process and the remedy") {
  take(path);
  CHECK(take(path) ==
        "another hub (process " + we + ") uses " + path + "; set data_dir in one of them");
  end();
  CHECK(take(path) == "");
}

TEST_CASE_METHOD(Fixture,
                 "a lock outlives its first holder in a copy, and the successor adopts it") {
  take(path);
  auto copy = copy_of_lock();
  end();
  CHECK(take(path) ==
        "another hub (process " + we + ") uses " + path + "; set data_dir in one of them");
  CHECK(take(path, std::move(copy)) == "");
}

TEST_CASE_METHOD(Fixture,
                 "what a hub that is gone left running with its lock is named, and how to end it",
                 "[fork]") {
  const pid_t hub = ::fork();
  if (hub == 0) ::_exit(0);
  ::waitpid(hub, nullptr, 0);
  take(path, hub);
  const pid_t left = ::fork();
  if (left == 0) {
    for (;;) ::pause();
  }
  end();
  const auto number = std::to_string(left);
  CHECK(take(path) == path + " is still locked by what a hub that is gone (process " +
                          std::to_string(hub) + ") left running: process " + number +
                          " (unit_base); end it: kill " + number);
  ::kill(left, SIGKILL);
  ::waitpid(left, nullptr, 0);
  CHECK(take(path) == "");
}

TEST_CASE_METHOD(Fixture, "a descriptor that is not the folder's lock is not adopted") {
  take(path);
  CHECK(take(path, Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))) ==
        "the lock that was handed over is not that of " + path + "; ");
}

TEST_CASE_METHOD(Fixture, "a file in the place of a folder is reported") {
  std::ofstream(temporary / "var").put('x');
  CHECK(take(path) ==
        (temporary / "var") + " is not a folder; mv it away, or set data_dir to another folder");
}

TEST_CASE_METHOD(
    Fixture,
    "whoever removes the lock's file does not take the lock away, and it is written again") {
  take(path, 1234);
  std::filesystem::remove(path + "/lock");
  CHECK(take(path) ==
        "another hub (process " + we + ") uses " + path + "; set data_dir in one of them");
  last().restore_file();
  std::ifstream file(path + "/lock");
  int holder = 0;
  file >> holder;
  CHECK(holder == 1234);
}

TEST_CASE_METHOD(Fixture,
                 "a folder that is removed or replaced is no longer at its path, and its lock is "
                 "nobody else's") {
  take(path);
  CHECK(last().is_at_its_path());
  std::filesystem::rename(path, path + ".old");
  CHECK_FALSE(last().is_at_its_path());
  CHECK(take(path) == "");
  CHECK(last().is_at_its_path());
  CHECK(take(path + ".old").starts_with("another hub"));
}

TEST_CASE_METHOD(Fixture, "who has a folder is known without touching its lock") {
  CHECK(!DataFolder::holder_of(path));
  take(path);
  CHECK(DataFolder::holder_of(path) == ::getpid());
  REQUIRE(::unlink((path + "/lock").c_str()) == 0);
  CHECK(DataFolder::holder_of(path) == 0);
  end();
  CHECK(!DataFolder::holder_of(path));
}
