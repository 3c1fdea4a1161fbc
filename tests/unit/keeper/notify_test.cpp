// SPDX-License-Identifier: Apache-2.0
#include "keeper/notify.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "keeper/manager.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace standpipe::keeper;

TEST_CASE("a service manager hears it, at a path and at an abstract name") {
  const test::TemporaryFolder folder;
  for (const auto& name : {folder / "socket", "@standpipe-test-" + folder.path()}) {
    const test::Manager manager(name);
    CHECK(notify_service_manager("READY=1").empty());
    CHECK(manager.received() == "READY=1");
  }
}

TEST_CASE("without a service manager there is nobody to tell, and no fault") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK(notify_service_manager("READY=1").empty());
}

TEST_CASE("a service manager that cannot be told is a fault with its name") {
  ::setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
  CHECK(notify_service_manager("READY=1") ==
        "cannot tell NOTIFY_SOCKET=/nowhere/socket: No such file or directory");
  ::setenv("NOTIFY_SOCKET", "socket", 1);
  CHECK(notify_service_manager("READY=1") ==
        "NOTIFY_SOCKET=socket is neither a path nor an abstract name (@...)");
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  CHECK(notify_service_manager("READY=1").ends_with(" is too long for a socket's name"));
  ::unsetenv("NOTIFY_SOCKET");
}
