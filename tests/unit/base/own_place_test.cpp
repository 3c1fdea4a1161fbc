// SPDX-License-Identifier: Apache-2.0
#include "base/own_place.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  std::string file() const { return OwnPlace(path, OwnPlace::Kind::file).fault(); }
  std::string folder_fault() const { return OwnPlace(path, OwnPlace::Kind::folder).fault(); }
  std::string closed() const { return OwnPlace(path, OwnPlace::Kind::folder).closed(); }
  void bind_socket() const {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  // As a user without powers over everybody's files. Returns whether `check` held.
  template <class Check>
  static bool as_anyone(Check check) {
    const auto child = ::fork();
    if (child == 0) {
      const bool is_one = ::geteuid() != 0 || (::setgid(65534) == 0 && ::setuid(65534) == 0);
      ::_exit(is_one && check() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  test::TemporaryFolder temporary;
  std::string path = temporary / "it";
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what is of its kind, and what is not there, has no fault") {
  CHECK(file().empty());
  CHECK(folder_fault().empty());
  std::ofstream(path) << "garbage";
  CHECK(file().empty());  // what is in it is for its reader to judge
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK(folder_fault().empty());
  CHECK(closed().empty());
}

TEST_CASE_METHOD(Fixture, "each other kind is named, without waiting for what it is") {
  SECTION("a FIFO") {
    ::mkfifo(path.c_str(), 0600);
    CHECK(file() == "is a FIFO");
    CHECK(folder_fault() == "is a FIFO");
    CHECK(closed().empty());
  }
  SECTION("a socket") {
    bind_socket();
    CHECK(file() == "is a socket");
  }
  SECTION("a link to a device") {
    std::filesystem::create_symlink("/dev/zero", path);
    CHECK(file() == "is a symbolic link");
    CHECK(folder_fault() == "is a symbolic link");
    CHECK(closed().empty());
  }
  SECTION("a folder") {
    std::filesystem::create_directory(path);
    CHECK(file() == "is a folder");
  }
  SECTION("a file") {
    std::ofstream(path) << "garbage";
    CHECK(folder_fault() == "is a regular file");
    CHECK(closed().empty());
  }
}

TEST_CASE_METHOD(Fixture, "a folder may be a link to one, and is closed while that leads nowhere") {
  std::filesystem::create_symlink("disk", path);
  CHECK(closed() == "is a symbolic link that leads nowhere now (No such file or directory)");
  CHECK(folder_fault().empty());
  std::filesystem::create_directory(temporary / "disk");
  CHECK(closed().empty());
  CHECK(folder_fault().empty());
}

TEST_CASE_METHOD(Fixture, "a file and a folder that keep the hub's user out are told apart",
                 "[fork]") {
  std::ofstream(path) << "something";
  ::chmod(path.c_str(), 0);
  ::chmod(temporary.path().c_str(), 0755);
  CHECK(as_anyone([&] { return file() == "cannot be opened (Permission denied)"; }));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  ::chmod(path.c_str(), 0);
  CHECK(as_anyone([&] {
    return folder_fault().empty() && closed() == "cannot be looked into (Permission denied)";
  }));
}

TEST_CASE_METHOD(Fixture, "what is moved aside keeps what it is, and replaces nothing") {
  for (const auto* name : {"it.foreign", "it.foreign-2"}) {
    std::filesystem::create_symlink("nowhere", path);
    CHECK(OwnPlace(path, OwnPlace::Kind::file).move_aside() == temporary / name);
    CHECK(std::filesystem::is_symlink(temporary / name));
    CHECK(file().empty());
  }
}
