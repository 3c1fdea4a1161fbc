// SPDX-License-Identifier: Apache-2.0
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "log_fixture.h"

using kit::LogFixture;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// What flock fails with, 0: it does what it should; see below.
int& lock_error() {
  static int error = 0;
  return error;
}

}  // namespace

// The plugins find this one before the C library's: the program exports it.
extern "C" int flock(int fd, int operation) {
  if (lock_error() == 0) return static_cast<int>(::syscall(SYS_flock, fd, operation));
  errno = lock_error();
  return -1;
}

TEST_CASE_METHOD(LogFixture,
                 "a file that is deleted is opened anew before anything is lost in it") {
  open({});
  append({"one"});
  std::filesystem::remove(path);
  append({"two"});
  CHECK(content() == "two\n");
  CHECK(host.reported ==
        std::vector<std::string>{"warning: " + path + " was deleted: opened anew"});
}

TEST_CASE_METHOD(LogFixture, "a file that is moved away is followed by a new one within a second") {
  open({});
  append({"one"});
  std::filesystem::rename(path, path + ".moved");
  append({"two"});
  host.now += kSecond;
  append({"three"});
  CHECK(content(".moved") == "one\ntwo\n");
  CHECK(content() == "three\n");
  CHECK(host.reported ==
        std::vector<std::string>{"warning: " + path + " was moved away: opened anew"});
}

TEST_CASE_METHOD(LogFixture, "the name is looked up by a clock that was set back, too") {
  open({});
  append({"one"});
  std::filesystem::rename(path, path + ".moved");
  host.now -= 1000 * kSecond;
  append({"two"});
  CHECK(content() == "two\n");
}

TEST_CASE_METHOD(LogFixture, "another file in its place is continued with") {
  open({});
  append({"one"});
  kit::write_file(path + ".new", "new\n");
  std::filesystem::rename(path + ".new", path);
  append({"two"});
  CHECK(content() == "new\ntwo\n");
}

TEST_CASE_METHOD(LogFixture, "without its folder messages wait, and none is lost") {
  path = folder / "sub/x.log";
  std::filesystem::create_directory(folder / "sub");
  open({});
  append({"one"});
  std::filesystem::remove_all(folder / "sub");
  const auto answer = log->handle({"two", "three"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
  CHECK(answer.reason == "cannot open " + path + ": the folder " + (folder / "sub") +
                             " does not exist: make it, or set create_folders: true");
  close();
  CHECK(log->open().disconnected());
  std::filesystem::create_directory(folder / "sub");
  REQUIRE(log->open().ok());
  append({"two", "three"});
  CHECK(content() == "two\nthree\n");
}

TEST_CASE_METHOD(LogFixture, "with create_folders a folder that is gone is made again") {
  path = folder / "sub/x.log";
  open({{"create_folders", "true"}});
  std::filesystem::remove_all(folder / "sub");
  append({"one"});
  CHECK(content() == "one\n");
}

TEST_CASE_METHOD(LogFixture, "what somebody puts in its place while the log runs is waited out") {
  open({});
  append({"one"});
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto answer = log->handle({"two"});
  CHECK(answer.disconnected());
  CHECK(answer.reason == path + " is a FIFO: use the plugin forward for it");
  close();
  CHECK(log->open().disconnected());  // not fatal, as it would be at the start
  std::filesystem::remove(path);
  REQUIRE(log->open().ok());
  append({"two"});
  CHECK(content() == "two\n");
}

TEST_CASE_METHOD(LogFixture,
                 "a rotation that finds no name begins a new file, and renames nothing") {
  open({{"rotate_size", "4B"}});
  append({"one"});
  std::filesystem::rename(path, path + ".moved");
  kit::write_file(path, "somebody else's\n");
  append({"two"});
  CHECK(content() == "somebody else's\ntwo\n");
  CHECK_FALSE(exists(".1"));
  CHECK(content(".moved") == "one\n");
}

TEST_CASE_METHOD(LogFixture, "reopen of a file that was deleted opens it anew") {
  open({});
  append({"one"});
  std::filesystem::remove(path);
  CHECK(reopen().ok());
  append({"two"});
  CHECK(content() == "two\n");
}

TEST_CASE_METHOD(LogFixture, "a file system without locks costs the lock, and that is said") {
  lock_error() = GENERATE(ENOLCK, EOPNOTSUPP);
  open({{"rotate_size", "1B"}});
  const auto reported = host.reported;
  append({"one", "two"});
  lock_error() = 0;
  REQUIRE(reported.size() == 1);
  CHECK(reported[0].find("cannot be locked") != std::string::npos);
  CHECK(reported[0].find("its file system has no locks, so a second writer would not be noticed") !=
        std::string::npos);
  CHECK(content() == "two\n");
  CHECK(content(".1") == "one\n");
}

TEST_CASE_METHOD(LogFixture,
                 "root writes into nothing that others planted, unless that is trusted") {
  if (::geteuid() != 0) {
    WARN("only root can make what others planted: skipped");
    return;
  }
  std::filesystem::create_directory(folder / "shared");
  REQUIRE(::chmod((folder / "shared").c_str(), 01777) == 0);
  path = folder / "shared/x.log";
  kit::write_file(path, "");
  REQUIRE(::chown(path.c_str(), 2222, 2222) == 0);
  const auto answer = try_open({});
  CHECK(answer.disconnected());
  CHECK(
      answer.reason ==
      path +
          " belongs to user 2222, in a folder that anyone may write to: remove it, or use a folder "
          "that only you may write to, or set trust: others");
  open({{"trust", "others"}});
  append({"one"});
  CHECK(content() == "one\n");
}
