// SPDX-License-Identifier: Apache-2.0
#include "conformance/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "temporary_folder.h"

using namespace standpipe::conformance;

TEST_CASE("what a process uses is counted") {
  const auto descriptors = open_descriptors().size();
  const int fd = ::open("/dev/null", O_RDONLY);
  CHECK(open_descriptors().size() == descriptors + 1);
  ::close(fd);
  CHECK(open_descriptors().size() == descriptors);
  CHECK(mapped_bytes() > 1 << 20);
}

TEST_CASE("threads that are about to end are waited for", "[no-sanitizer]") {
  const auto before = count_threads();
  std::thread thread([] { ::usleep(20'000); });
  CHECK(count_threads() == before + 1);
  CHECK(count_threads_when_settled(before) == before);
  thread.join();
}

TEST_CASE("the heap is measured", "[no-sanitizer]") {
  const auto before = heap_bytes();
  const auto block = std::make_unique<char[]>(100'000);
  CHECK(heap_bytes() >= before + 100'000);
}

TEST_CASE("what a call changed of the process is named") {
  const ProcessState before;
  CHECK(before.changed().empty());
  const auto mask = ::umask(0);
  ::umask(mask ^ 01);
  CHECK(before.changed() == "the mask of new files' permissions (umask)");
  ::umask(mask);
  const auto old = std::signal(SIGWINCH, SIG_IGN);
  CHECK(before.changed() == "what happens on SIGWINCH");
  std::signal(SIGWINCH, old);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  CHECK(before.changed() == "which signals are blocked");
  sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  CHECK(before.changed().empty());
}

TEST_CASE("what create did that it must not is named") {
  const test::TemporaryFolder folder;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const BeforeCreate before;
  CHECK(before.fault().empty());
  const int fd = ::open("/dev/null", O_RDONLY);
  CHECK(before.fault() == "create opens or closes descriptors");
  ::close(fd);
  std::ofstream("file") << "something";
  CHECK(before.fault() == "create makes files");
  std::filesystem::remove("file");
  const auto mask = ::umask(0111);
  CHECK(before.fault().starts_with("create changes "));
  ::umask(mask);
  CHECK(before.fault().empty());
  std::filesystem::current_path(here);
}
