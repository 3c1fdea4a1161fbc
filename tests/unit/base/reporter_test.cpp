// SPDX-License-Identifier: Apache-2.0
#include "base/reporter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/text.h"

using namespace standpipe;

namespace {

// A receiver of so few bytes that a few lines fill it. Verb: read.
struct Ends {
  Ends() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    to = Fd(pair[0]);
    from = Fd(pair[1]);
    const int least = 1;
    ::setsockopt(to.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  }
  std::string read() const {
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(from.get(), bytes, sizeof bytes)) > 0;)
      all.append(bytes, static_cast<std::size_t>(n));
    return all;
  }
  Fd to, from;
};

}  // namespace

TEST_CASE("what is reported is a line, with its remedy where there is one") {
  const Ends ends;
  StreamReporter reporter(ends.to.get());
  reporter.info("ready");
  CHECK(ends.read() == "info  ready\n");
  reporter.warning("full", "the disk is full", "make room");
  const auto warning = ends.read();
  CHECK(warning.starts_with("warning"));
  CHECK(warning.find("the disk is full") != std::string::npos);
  CHECK(warning.find("make room") != std::string::npos);
  reporter.error("gone", "the disk is gone");
  CHECK(ends.read().starts_with("error"));
}

TEST_CASE("a receiver that does not read loses lines, and is told how many when it reads again") {
  const Ends ends;
  StreamReporter reporter(ends.to.get());
  constexpr std::uint64_t kLines = 2000;
  for (std::uint64_t i = 0; i < kLines; ++i) reporter.info("line " + std::to_string(i));
  const auto read = ends.read();
  CHECK(read.starts_with("info  line 0\n"));
  CHECK(read.find("lost") == std::string::npos);
  CHECK(read.find("line " + std::to_string(kLines - 1)) == std::string::npos);
  const auto whole = static_cast<std::uint64_t>(std::count(read.begin(), read.end(), '\n'));
  reporter.info("again");
  const auto next = ends.read();
  CHECK(next.find(counted(kLines - whole, "line") + " could not be written here") !=
        std::string::npos);
  CHECK(next.ends_with("again\n"));
  reporter.info("and again");
  CHECK(ends.read() == "info  and again\n");
}

TEST_CASE("colour is for terminals, and for people who did not say that they want none") {
  const Fd window(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(window);
  const auto* term = ::getenv("TERM");
  const std::string before = term ? term : "";
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  CHECK(wants_colour(window.get()));
  ::setenv("NO_COLOR", "", 1);
  CHECK(wants_colour(window.get()));  // an empty one says nothing
  ::setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(wants_colour(window.get()));
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  CHECK_FALSE(wants_colour(window.get()));
  term ? ::setenv("TERM", before.c_str(), 1) : ::unsetenv("TERM");
  const Ends ends;
  CHECK_FALSE(wants_colour(ends.to.get()));
}
