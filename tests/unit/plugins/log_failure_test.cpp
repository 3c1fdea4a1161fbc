// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "full_disk.h"
#include "log_fixture.h"

using kit::frame;
using kit::FullDisk;
using kit::LogFixture;

namespace {

// What fdatasync did, and what it is to fail with; see below.
struct Syncs {
  int count = 0;
  int error = 0;
};
Syncs& syncs() {
  static Syncs all;
  return all;
}

std::vector<std::string> messages(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i)
    out.push_back("message " + std::to_string(i) +
                  std::string(static_cast<std::size_t>(i % 50), '.'));
  return out;
}

std::vector<std::string> rest_of(const std::vector<std::string>& all, std::size_t from) {
  return {all.begin() + static_cast<std::ptrdiff_t>(from), all.end()};
}

std::string frames_of(const std::vector<std::string>& payloads) {
  std::string out;
  for (const auto& p : payloads) out += frame(p);
  return out;
}

struct Failing : LogFixture {
  Failing() { syncs() = {}; }
};

}  // namespace

// The plugins find this one before the C library's: the program exports it.
extern "C" int fdatasync(int fd) {
  ++syncs().count;
  if (!syncs().error) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = syncs().error;
  return -1;
}

TEST_CASE_METHOD(
    Failing, "a full disk: the file ends in a whole record, and the rest is redelivered, once") {
  const auto room = GENERATE(0u, 1u, 3u, 4u, 500u, 5000u);
  const auto all = messages(0, 1000);
  open({{"format", "frames"}});
  kit::Answer answer;
  {
    const FullDisk full(room);
    answer = log->handle(all);
  }
  CHECK(answer.disconnected());
  CHECK(answer.reason == "cannot write " + path + ": File too large");
  CHECK(answer.settled < 1000);
  CHECK(content() ==
        frames_of({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(answer.settled)}));
  CHECK(room - content().size() < 4 + 12 + 50);  // as much as fits
  close();
  REQUIRE(log->open().ok());
  append(rest_of(all, answer.settled));
  CHECK(content() == frames_of(all));
  CHECK(host.reported.empty());
}

TEST_CASE_METHOD(Failing, "a full disk in the middle of a large message") {
  const std::vector<std::string> all = {"a", std::string(3 << 20, 'x'), "b"};
  open({});
  kit::Answer answer;
  {
    const FullDisk full(2 << 20);
    answer = log->handle(all);
  }
  CHECK(answer.disconnected());
  CHECK(answer.settled == 1);
  CHECK(content() == "a\n");
}

TEST_CASE_METHOD(Failing, "a full disk after a rotation: what the earlier file has is settled") {
  open({{"rotate_size", "100B"}});
  kit::Answer answer;
  {
    const FullDisk full(150);
    answer = log->handle({std::string(120, 'a'), "b", std::string(200, 'c'), "d"});
  }
  CHECK(answer.disconnected());
  CHECK(answer.settled == 2);
  CHECK(content(".1") == std::string(120, 'a') + "\n");
  CHECK(content() == "b\n");
}

TEST_CASE_METHOD(Failing, "under sync: always a full disk takes the whole run back") {
  open({{"sync", "always"}});
  append({"safe"});
  kit::Answer answer;
  {
    const FullDisk full(12);
    answer = log->handle({"one", "two", "three"});
  }
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
  CHECK(content() == "safe\n");
}

TEST_CASE_METHOD(Failing, "sync: always has a batch on disk before it is settled") {
  open({{"sync", "always"}});
  append({"a", "b"});
  CHECK(syncs().count == 1);
  append({"c"});
  CHECK(syncs().count == 2);
  CHECK(flush().ok());
  close();
  CHECK(syncs().count == 2);  // there was nothing left to do
}

TEST_CASE_METHOD(Failing,
                 "under sync: always a sync that fails settles nothing and leaves nothing behind") {
  open({{"sync", "always"}});
  append({"safe"});
  syncs().error = EIO;
  const auto answer = log->handle({"one", "two"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
  CHECK(answer.reason == "cannot sync " + path + ": Input/output error");
  CHECK(content() == "safe\n");
}

TEST_CASE_METHOD(Failing, "sync: interval syncs when it is due, at flush and at close") {
  open({{"sync_interval", "2s"}});
  append({"a"});
  CHECK(syncs().count == 0);
  host.now += 2'000'000'000;
  append({"b"});
  CHECK(syncs().count == 1);
  append({"c"});
  CHECK(syncs().count == 1);
  CHECK(flush().ok());
  CHECK(syncs().count == 2);
  append({"d"});
  close();
  CHECK(syncs().count == 3);
}

TEST_CASE_METHOD(
    Failing,
    "under sync: interval a sync that fails is reported, and what was written is not repeated") {
  open({});
  syncs().error = EIO;
  host.now += 2'000'000'000;
  const auto answer = log->handle({"a", "b"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 2);
  CHECK(answer.reason == "cannot sync " + path +
                             ": Input/output error: what was written since the last sync may be "
                             "missing after a power cut");
  CHECK(content() == "a\nb\n");
  CHECK(flush().disconnected());
  close();
  CHECK(host.reported ==
        std::vector<std::string>{"error: cannot sync " + path + ": Input/output error"});
}

TEST_CASE_METHOD(Failing, "sync: never leaves it to the kernel") {
  open({{"sync", "never"}, {"rotate_size", "1B"}});
  host.now += 1'000'000'000'000;
  append({"a", "b"});
  CHECK(flush().ok());
  close();
  CHECK(syncs().count == 0);
}

TEST_CASE_METHOD(Failing, "a rotated file is on disk before it is rotated") {
  open({{"rotate_size", "1B"}, {"sync_interval", "1h"}});
  append({"a", "b", "c"});
  CHECK(syncs().count == 2);
}
