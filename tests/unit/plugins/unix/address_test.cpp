// SPDX-License-Identifier: Apache-2.0
#include "unix/address.h"

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <standpipe/plugin.hpp>
#include <string>

using unix_socket::Address;

namespace {

std::string path_of(const Address& address) {
  const auto* its = reinterpret_cast<const sockaddr_un*>(address.get());
  return {its->sun_path, address.size() - offsetof(sockaddr_un, sun_path)};
}

}  // namespace

TEST_CASE("a path ends with a NUL, and an abstract name begins with one") {
  CHECK(path_of(Address("/run/s")) == std::string("/run/s\0", 7));
  CHECK(path_of(Address("@name")) == std::string("\0name", 5));
  CHECK(path_of(Address(std::string(107, 'x'))).size() == 108);
}

TEST_CASE("a path that no address can have is refused with the limit") {
  CHECK_THROWS_WITH(Address(std::string(108, 'x')),
                    Catch::Contains("has 108 bytes") && Catch::Contains("at most 107"));
  CHECK_THROWS_WITH(Address(""), Catch::Contains("it is empty"));
  CHECK_THROWS_WITH(Address("@"), Catch::Contains("it is empty"));
  CHECK_THROWS_WITH(Address(std::string("a\0b", 3)), Catch::Contains("NUL"));
}
