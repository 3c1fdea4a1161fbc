// SPDX-License-Identifier: Apache-2.0
#include "control/socket_folder.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "control/listener.h"
#include "temporary_folder.h"

using namespace standpipe::control;
using Catch::Matchers::Message;
using standpipe::Failure;
using Paths = std::vector<std::string>;

TEST_CASE(
    "a hub listens in its user's runtime folder, a service in /run, others in a folder with their "
    "number") {
  CHECK(folder_to_listen_in({.runtime_dir = "/run/user/7", .user = 7}) == "/run/user/7/standpipe");
  CHECK(folder_to_listen_in({.service_dir = "/run/standpipe/a", .runtime_dir = "/run/user/7"}) ==
        "/run/standpipe/a");
  CHECK(folder_to_listen_in({.user = 0}) == "/run/standpipe");
  CHECK(folder_to_listen_in({.user = 7, .run_is_writable = true}) == "/run/standpipe");
  CHECK(folder_to_listen_in({.user = 7}) == "/tmp/standpipe-7");
  CHECK(folder_to_listen_in({.runtime_dir = "relative", .user = 7}) == "/tmp/standpipe-7");
}

TEST_CASE(
    "a command looks in all usual folders, each once, also where variables are lost, and for who "
    "called sudo") {
  CHECK(folders_to_ask_in({.user = 7}) ==
        Paths{"/run/user/7/standpipe", "/run/standpipe", "/tmp/standpipe-7"});
  CHECK(folders_to_ask_in({.runtime_dir = "/run/user/7", .user = 7}) ==
        Paths{"/run/user/7/standpipe", "/run/standpipe", "/tmp/standpipe-7"});
  CHECK(folders_to_ask_in({.runtime_dir = "/x", .user = 0, .caller = 7}) ==
        Paths{"/x/standpipe", "/run/user/0/standpipe", "/run/user/7/standpipe", "/run/standpipe",
              "/tmp/standpipe-0", "/tmp/standpipe-7"});
}

TEST_CASE("sockets are found by their names, also in a folder of their own, and nothing else is") {
  const test::TemporaryFolder folder;
  for (const auto* inner : {"one", "control-folder"})
    REQUIRE(::mkdir((folder / inner).c_str(), 0700) == 0);
  const auto a = Listener::at(folder / "control-a-12345678");
  const auto old = Listener::at(folder / "control");
  const auto instance = Listener::at(folder / "one/control");
  const auto other = Listener::at(folder / "other");
  REQUIRE(::mkfifo((folder / "control-fifo").c_str(), 0600) == 0);
  CHECK(sockets_in(folder.path()) ==
        Paths{folder / "control", folder / "control-a-12345678", folder / "one/control"});
  CHECK(sockets_in(folder / "nowhere").empty());
}

TEST_CASE("a long name keeps its hash") {
  CHECK(socket_name("orders-12345678") == "control-orders-12345678");
  const auto cut = socket_name(std::string(200, 'x') + "-12345678");
  CHECK(cut.size() == 60);
  CHECK(cut.ends_with("xx-12345678"));
}

TEST_CASE("a folder that others may write to is no place for a control socket") {
  const test::TemporaryFolder parent;
  const auto folder = parent / "standpipe";
  make_private_folder(folder);
  make_private_folder(folder);
  ::chmod(folder.c_str(), 0770);
  CHECK_THROWS_MATCHES(make_private_folder(folder), Failure,
                       Message("other users may write to " + folder +
                               ", and so put a control socket of their own there"));
}

TEST_CASE("a link that somebody planted is not followed") {
  const test::TemporaryFolder parent;
  REQUIRE(::symlink("/tmp", (parent / "standpipe").c_str()) == 0);
  CHECK_THROWS_MATCHES(
      make_private_folder(parent / "standpipe"), Failure,
      Message(parent / "standpipe" + " is not a folder, so the control socket cannot be there"));
}

TEST_CASE("the folder of a path") {
  CHECK(folder_of("control") == ".");
  CHECK(folder_of("/control") == "/");
  CHECK(folder_of("a/b/control") == "a/b");
}
