// SPDX-License-Identifier: Apache-2.0
#include "control/place.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe::control;
using Catch::Matchers::Message;
using standpipe::Failure;
using Paths = std::vector<std::string>;

TEST_CASE("a hub listens in its user's runtime folder, a service in /run, others in a folder with their number") {
  CHECK(default_paths("/run/user/7", 7, false) == Paths{"/run/user/7/standpipe/control", "/tmp/standpipe-7/control"});
  CHECK(default_paths("", 0, false).front() == "/run/standpipe/control");
  CHECK(default_paths("", 7, true).front() == "/run/standpipe/control");
  CHECK(default_paths("", 7, false) == Paths{"/tmp/standpipe-7/control"});
  CHECK(default_paths("relative", 7, false) == Paths{"/tmp/standpipe-7/control"});
}

TEST_CASE("a folder that others may write to is no place for a control socket") {
  const test::TemporaryFolder parent;
  const auto folder = parent / "standpipe";
  make_private_folder(folder);
  make_private_folder(folder);
  ::chmod(folder.c_str(), 0770);
  CHECK_THROWS_MATCHES(make_private_folder(folder), Failure,
                       Message("other users may write to " + folder + ", and so put a control socket of their own there"));
}

TEST_CASE("a link that somebody planted is not followed") {
  const test::TemporaryFolder parent;
  REQUIRE(::symlink("/tmp", (parent / "standpipe").c_str()) == 0);
  CHECK_THROWS_MATCHES(make_private_folder(parent / "standpipe"), Failure,
                       Message(parent / "standpipe" + " is no folder, so the control socket cannot be there"));
}

TEST_CASE("the folder of a path") {
  CHECK(folder_of("control") == ".");
  CHECK(folder_of("/control") == "/");
  CHECK(folder_of("a/b/control") == "a/b");
}
