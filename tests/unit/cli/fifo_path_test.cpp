// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_path.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "temporary_folder.h"

using namespace standpipe;

namespace {

// "not yet: MESSAGE" for what a starting hub will change.
std::string refusal(const std::function<void()>& open) {
  try {
    open();
    return {};
  } catch (const cli::NotYet& notyet) {
    return std::string("not yet: ") + notyet.what();
  } catch (const Failure& failure) {
    return failure.what();
  }
}

// A FIFO, and what else may stand at a path.
struct Fixture {
  Fixture() {
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    std::ofstream(folder / "file") << "text";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = folder / "socket";
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  static std::string write_refusal(const std::string& path) {
    return refusal([&] { (void)cli::open_write_end(path); });
  }
  static std::string read_refusal(const std::string& path) {
    bool created = false;
    return refusal([&] { (void)cli::open_read_end(path, created); });
  }
  Fd open_reader() const { return Fd(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); }

  test::TemporaryFolder folder;
  std::string fifo = folder / "fifo";
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a FIFO that somebody reads is opened to write, without waiting") {
  const auto reader = open_reader();
  const auto writer = cli::open_write_end(fifo);
  REQUIRE(writer);
  CHECK((::fcntl(writer.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK(::write(writer.get(), "x", 1) == 1);
}

TEST_CASE_METHOD(Fixture, "what a starting hub will change is not yet, and not wrong") {
  CHECK(write_refusal(fifo) == "not yet: nobody reads " + fifo);
  CHECK(write_refusal(folder / "none") == "not yet: " + (folder / "none") + " does not exist");
  CHECK(write_refusal(folder / "none/in") ==
        "not yet: " + (folder / "none/in") + " does not exist, nor does its folder");
}

TEST_CASE_METHOD(Fixture, "a FIFO whose hub stops takes no new writers, also not root") {
  const auto reader = open_reader();
  REQUIRE(::chmod(fifo.c_str(), 0) == 0);
  CHECK(write_refusal(fifo) ==
        "not yet: the hub that reads " + fifo + " is stopping: it takes no new writers");
}

TEST_CASE_METHOD(Fixture, "what is no FIFO is named for what it is, whoever opens it") {
  for (const auto& refuse : {write_refusal, read_refusal}) {
    CHECK(refuse(folder / "file") ==
          (folder / "file") +
              " is a regular file, not a FIFO: someone wrote to it before a FIFO was made");
    CHECK(refuse(folder.path()) == folder.path() + " is a folder, not a FIFO");
    CHECK(refuse(folder / "socket") == (folder / "socket") + " is a socket, not a FIFO");
    CHECK(refuse("/dev/null") == "/dev/null is a device, not a FIFO");
  }
}

TEST_CASE_METHOD(Fixture, "a reader makes a FIFO that is missing, and says so") {
  bool created = false;
  CHECK(cli::open_read_end(fifo, created));
  CHECK_FALSE(created);
  CHECK(cli::open_read_end(folder / "new", created));
  CHECK(created);
  struct stat st {};
  REQUIRE(::stat((folder / "new").c_str(), &st) == 0);
  CHECK(S_ISFIFO(st.st_mode));
  CHECK((st.st_mode & 07777) == 0600);
}
