// SPDX-License-Identifier: Apache-2.0
#include "cli/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"
#include "plugins/files.h"

using namespace standpipe;
using namespace standpipe::cli;

namespace {

// A service manager's end. "@name" is an abstract one.
class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
  std::string heard() const {
    char text[100];
    const auto n = ::recv(socket_.get(), text, sizeof text, 0);
    return n < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(n));
  }

 private:
  Fd socket_;
};

}  // namespace

TEST_CASE("a service manager hears it, at a path and at an abstract name") {
  kit::Folder folder;
  for (const auto& name : {folder / "socket", "@standpipe-test-" + folder.path()}) {
    const Manager manager(name);
    CHECK(notify_service_manager("READY=1").empty());
    CHECK(manager.heard() == "READY=1");
  }
}

TEST_CASE("without a service manager there is nobody to tell, and no fault") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK(notify_service_manager("READY=1").empty());
}

TEST_CASE("a service manager that cannot be told is a fault with its name") {
  ::setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
  CHECK(notify_service_manager("READY=1") == "cannot tell NOTIFY_SOCKET=/nowhere/socket: No such file or directory");
  ::setenv("NOTIFY_SOCKET", "socket", 1);
  CHECK(notify_service_manager("READY=1") == "NOTIFY_SOCKET=socket is neither a path nor an abstract name (@...)");
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  CHECK(notify_service_manager("READY=1").ends_with(" is too long for a socket's name"));
  ::unsetenv("NOTIFY_SOCKET");
}
