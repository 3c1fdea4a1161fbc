// SPDX-License-Identifier: Apache-2.0
#include "control/address.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/failure.h"

using namespace standpipe;
using control::Address;

TEST_CASE("a path of 107 bytes is an address, and a longer one is refused with both numbers") {
  const std::string longest(107, 'x');
  const Address address(longest);
  CHECK(reinterpret_cast<const sockaddr_un*>(address.get())->sun_path == longest);
  CHECK(address.get()->sa_family == AF_UNIX);
  CHECK_THROWS_WITH(Address(longest + 'y'),
                    Catch::Contains("at most 107 bytes") && Catch::Contains("this one has 108"));
  CHECK_THROWS_AS(Address(""), Failure);
}

TEST_CASE("who is at the other end is known, and nobody is at the end of what is no socket") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  CHECK(control::peer_user(pair[0]) == ::geteuid());
  ::close(pair[0]);
  ::close(pair[1]);
  CHECK(control::peer_user(pair[0]) == static_cast<uid_t>(-1));
}
