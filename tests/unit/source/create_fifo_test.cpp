// SPDX-License-Identifier: Apache-2.0
#include "source/create_fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe;
using source::prepare_fifo;

namespace {

std::string refusal(const source::FifoRequest& request) {
  try {
    prepare_fifo(request);
  } catch (const Failure& failure) {
    return std::string(failure.what()) + " | " + failure.help();
  }
  return "accepted";
}

struct stat look(const std::string& path) {
  struct stat st {};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st;
}

}  // namespace

TEST_CASE("a FIFO is created with just the mode that was asked, whatever the umask") {
  const test::TemporaryFolder folder;
  const auto before = ::umask(0777);
  const auto prepared = prepare_fifo({.path = folder / "in", .mode = 0626});
  ::umask(before);
  CHECK(prepared.created);
  CHECK(S_ISFIFO(look(folder / "in").st_mode));
  CHECK((look(folder / "in").st_mode & 07777) == 0626);
}

TEST_CASE("while it is made, nobody finds a reader who would take a message and lose it") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 200; ++i) {
    const auto path = folder / std::to_string(i);
    std::atomic<bool> done{false};
    bool found = false;
    std::thread writer([&] {
      while (!done) found |= Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK)).get() >= 0;
    });
    prepare_fifo({.path = path, .mode = 0640});
    done = true;
    writer.join();
    REQUIRE_FALSE(found);
  }
}

TEST_CASE("one that is there keeps its mode") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "in").c_str(), 0600) == 0);
  CHECK_FALSE(prepare_fifo({.path = folder / "in", .mode = 0666}).created);
  CHECK((look(folder / "in").st_mode & 07777) == 0600);
}

TEST_CASE("what is not a FIFO is refused with the remedy") {
  const test::TemporaryFolder folder;
  const Fd file(::open((folder / "file").c_str(), O_CREAT | O_WRONLY, 0600));
  CHECK(refusal({.path = folder / "file"}) == (folder / "file") +
                                                  " is a regular file, not a FIFO: someone wrote "
                                                  "to it before the hub made it | name another "
                                                  "path; or, if nobody needs what is in it, mv " +
                                                  (folder / "file") + " away and try again");
  CHECK(refusal({.path = folder.path()}) ==
        folder.path() + " is a folder, not a FIFO | name a FIFO inside it, e.g. " + folder.path() +
            "/in");
  CHECK(refusal({.path = "/dev/null"}) ==
        "/dev/null is a device, not a FIFO | choose another path for the FIFO");
}

TEST_CASE("a missing folder is named, and a link to nothing") {
  const test::TemporaryFolder folder;
  CHECK(refusal({.path = folder / "no/in"}) == "cannot create " + (folder / "no/in") +
                                                   ": the folder " + (folder / "no") +
                                                   " does not exist | mkdir -p " + (folder / "no"));
  REQUIRE(::symlink((folder / "nothing").c_str(), (folder / "link").c_str()) == 0);
  CHECK(refusal({.path = folder / "link"}) ==
        (folder / "link") +
            " is a symbolic link to something that does not exist | create what it points to, or "
            "remove the link");
}

TEST_CASE("a link of one's own to a FIFO is a choice; one that another user planted is not") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  REQUIRE(::symlink("fifo", (folder / "link").c_str()) == 0);
  CHECK(refusal({.path = folder / "link"}) == "accepted");
  if (::geteuid() != 0) return;  // only root can plant it here
  REQUIRE(::lchown((folder / "link").c_str(), 65534, 65534) == 0);
  CHECK(refusal({.path = folder / "link"}).find("is a symbolic link made by nobody, not by you") !=
        std::string::npos);
}

TEST_CASE("an unknown owner leaves no half-made FIFO behind") {
  const test::TemporaryFolder folder;
  CHECK(refusal({.path = folder / "in", .owner = "no-such-user"})
            .find("there is no user 'no-such-user'") != std::string::npos);
  CHECK(::access((folder / "in").c_str(), F_OK) != 0);
}

TEST_CASE("a path that is given to another file in between is noticed") {
  const test::TemporaryFolder folder;
  const auto prepared = prepare_fifo({.path = folder / "in"});
  REQUIRE(::rename((folder / "in").c_str(), (folder / "old").c_str()) == 0);
  REQUIRE(::mkfifo((folder / "in").c_str(), 0600) == 0);
  CHECK_THROWS_AS(source::open_read_end({.path = folder / "in"}, prepared.id), Failure);
}

TEST_CASE(
    "a FIFO that is there keeps its mode and owner, and how it differs from what was asked for is "
    "reported") {
  const test::TemporaryFolder folder;
  const auto path = folder / "in";
  prepare_fifo({.path = path, .mode = 0600});
  CHECK(prepare_fifo({.path = path, .mode = 0622}).differs.empty());  // nobody asked for that
  CHECK(prepare_fifo({.path = path, .mode = 0600, .mode_matters = true}).differs.empty());
  CHECK(prepare_fifo({.path = path, .mode = 0622, .mode_matters = true}).differs ==
        "has mode 0600, and the configuration says 0622");
  const auto other = std::to_string(::geteuid() + 1);
  CHECK(prepare_fifo({.path = path, .owner = other})
            .differs.ends_with(", and the configuration says owner " + other));
  CHECK((look(path).st_mode & 07777) == 0600);
}

TEST_CASE(
    "a file system without FIFOs is said in one sentence, and is not taken for a lack of "
    "permission") {
  const std::string path = "/dev/pts/standpipe-test";  // there, nobody can make anything
  struct stat folder {};
  if (::stat("/dev/pts", &folder) != 0 || ::access("/dev/pts", W_OK) != 0) {
    WARN("there is no such file system here");
    return;
  }
  CHECK(refusal({.path = path}) == "cannot create " + path +
                                       ": the file system of /dev/pts has no FIFOs | choose a "
                                       "folder on another one, e.g. below /run");
}

TEST_CASE("what would be found or made is known without making anything") {
  const test::TemporaryFolder folder;
  const auto inspected = [](const source::FifoRequest& request) -> std::string {
    try {
      const auto found = source::inspect_fifo(request);
      return found ? "found " + found->differs : "to be made";
    } catch (const Failure& failure) {
      return failure.what();
    }
  };
  CHECK(inspected({.path = folder / "in"}) == "to be made");
  CHECK(::access((folder / "in").c_str(), F_OK) != 0);
  prepare_fifo({.path = folder / "in"});
  CHECK(inspected({.path = folder / "in"}) == "found ");
  CHECK(inspected({.path = folder / "in", .mode = 0620, .mode_matters = true}) ==
        "found has mode 0600, and the configuration says 0620");
  CHECK(inspected({.path = folder / "out", .create = false}) == folder / "out" + " does not exist");
  for (const source::FifoRequest& request :
       {source::FifoRequest{.path = folder / "no/in"},
        {.path = folder.path()},
        {.path = folder / "x", .owner = "nobody-of-that-name"},
        {.path = folder / "x", .group = "nobody-of-that-name"}})
    CHECK(inspected(request) == refusal(request).substr(0, refusal(request).find(" | ")));
  CHECK(::access((folder / "x").c_str(), F_OK) != 0);
}
