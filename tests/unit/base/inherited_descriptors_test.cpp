// SPDX-License-Identifier: Apache-2.0
#include "base/inherited_descriptors.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

using namespace standpipe;

namespace {

// In a child: opens these numbers, closes what is inherited but for `words`, and returns which of
// the numbers are still open.
std::vector<int> left_of(const std::vector<int>& numbers, const std::vector<std::string>& words) {
  const auto child = ::fork();
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    for (const int n : numbers) ::dup2(nothing, n);
    close_inherited_descriptors(words);
    int open = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      open |= (::fcntl(numbers[i], F_GETFD) >= 0) << i;
    ::_exit(open);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::vector<int> left;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (WEXITSTATUS(status) >> i & 1) left.push_back(numbers[i]);
  return left;
}

}  // namespace

TEST_CASE("a path may name a descriptor") {
  CHECK(descriptor_in("/dev/fd/63") == 63);
  CHECK(descriptor_in("/proc/self/fd/3") == 3);
  for (const auto* path : {"/dev/fd/", "/dev/fd/x", "/dev/fd/-1", "/dev/fd/99999999999", "dev/fd/3",
                           "/dev/fd/3/x", ""})
    CHECK_FALSE(descriptor_in(path));
}

TEST_CASE("what nobody named is closed, standard streams apart") {
  CHECK(left_of({0, 1, 2, 100, 101, 500}, {}) == std::vector{0, 1, 2});
}

TEST_CASE("what the command line names stays open") {
  CHECK(left_of({100, 101, 102, 500}, {"hub.yaml", "/dev/fd/101", "/proc/self/fd/500", "/dev/fd/7",
                                       "/dev/fd/1"}) == std::vector{101, 500});
}

TEST_CASE("sockets of a service manager's are seen if they are for this process") {
  ::setenv("LISTEN_FDS", "2", 1);
  ::setenv("LISTEN_PID", "1", 1);
  CHECK(listen_descriptors() == 0);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(listen_descriptors() == 2);
  ::unsetenv("LISTEN_FDS");
  CHECK(listen_descriptors() == 0);
  ::unsetenv("LISTEN_PID");
}
