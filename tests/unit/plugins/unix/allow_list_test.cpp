// SPDX-License-Identifier: Apache-2.0
#include "unix/allow_list.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <standpipe/plugin.hpp>

#include "common/fd.h"

using namespace unix_socket;

TEST_CASE("one of the users or of the groups is enough, and nobody's list lets everybody in") {
  const AllowList list({{"0", "1234"}, {"77"}});
  CHECK(list.allows({1, 0, 5, {}}));
  CHECK(list.allows({1, 1234, 5, {}}));
  CHECK(list.allows({1, 9, 77, {}}));
  CHECK(list.allows({1, 9, 5, {3, 77}}));
  CHECK_FALSE(list.allows({1, 9, 5, {3, 4}}));
  CHECK_FALSE(list.allows({1, 77, 1234, {1234}}));
  CHECK(AllowList({}).allows({1, 9, 5, {}}));
}

TEST_CASE("users and groups may be named, and a name that nobody has is refused") {
  CHECK(user_number("allow_users", "root") == 0);
  CHECK(group_number("allow_groups", "root") == 0);
  CHECK_THROWS_AS(user_number("allow_users", "nobody has this name"), standpipe::fatal);
  CHECK_THROWS_WITH(AllowList({{}, {"nor this"}}),
                    Catch::Contains("allow_groups") && Catch::Contains("nor this"));
}

TEST_CASE("the kernel says who is at the other end") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const common::Fd one(ends[0]), other(ends[1]);
  const auto who = Credentials::of(one.get());
  CHECK((who.pid == ::getpid() && who.uid == ::geteuid() && who.gid == ::getegid()));
  CHECK(who.text() == "pid " + std::to_string(::getpid()) + ", uid " + std::to_string(::geteuid()) +
                          ", gid " + std::to_string(::getegid()));
}
