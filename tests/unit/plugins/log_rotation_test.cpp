// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "log_fixture.h"

using kit::frame;
using kit::LogFixture;

namespace {
constexpr std::uint64_t kSecond = 1'000'000'000;
}

TEST_CASE_METHOD(LogFixture,
                 "a full file is rotated between messages, in the middle of a batch too") {
  open({{"rotate_size", "8B"}});
  CHECK(append({"1234", "5678", "abcd", "efgh", "last"}) == 5);
  CHECK(content() == "last\n");
  CHECK(content(".1") == "abcd\nefgh\n");
  CHECK(content(".2") == "1234\n5678\n");
  CHECK_FALSE(exists(".3"));
}

TEST_CASE_METHOD(LogFixture, "only so many stay, and the newest is .1") {
  open({{"rotate_size", "1B"}, {"keep", "2"}});
  for (const auto* m : {"1", "2", "3", "4", "5"}) append({m});
  CHECK(content() == "5\n");
  CHECK(content(".1") == "4\n");
  CHECK(content(".2") == "3\n");
  CHECK_FALSE(exists(".3"));
}

TEST_CASE_METHOD(LogFixture, "keep: 0 deletes the full file") {
  open({{"rotate_size", "1B"}, {"keep", "0"}});
  append({"1", "2"});
  CHECK(content() == "2\n");
  CHECK_FALSE(exists(".1"));
}

TEST_CASE_METHOD(LogFixture, "a gap in the chain is filled, and files after it do not move") {
  kit::write_file(path + ".1", "old 1");
  kit::write_file(path + ".3", "old 3");
  open({{"rotate_size", "1B"}, {"keep", "9"}});
  append({"a", "b"});
  CHECK(content(".1") == "a\n");
  CHECK(content(".2") == "old 1");
  CHECK(content(".3") == "old 3");
  CHECK_FALSE(exists(".4"));
}

TEST_CASE_METHOD(LogFixture, "a file found full at the start is rotated before the first message") {
  kit::write_file(path, "old\n");
  open({{"rotate_size", "4B"}});
  append({"new"});
  CHECK(content() == "new\n");
  CHECK(content(".1") == "old\n");
}

TEST_CASE_METHOD(LogFixture, "a file is rotated when its first message is old enough") {
  open({{"rotate_every", "10s"}});
  host.now += 100 * kSecond;  // an empty file does not age
  append({"1"});
  host.now += 9 * kSecond;
  append({"2"});
  host.now += 1 * kSecond;
  append({"3"});
  CHECK(content() == "3\n");
  CHECK(content(".1") == "1\n2\n");
  CHECK_FALSE(exists(".2"));
}

TEST_CASE_METHOD(LogFixture,
                 "the age of a file survives a restart where the file system knows it") {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  host.now = static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
  open({{"rotate_every", "1h"}});
  append({"1"});
  close();
  host.now += 2 * 3600 * kSecond;
  REQUIRE(log->open().ok());
  append({"2"});
  CHECK((content() == "2\n" || content() == "1\n2\n"));  // the latter where it does not
  host.now += 3600 * kSecond;
  append({"3"});
  CHECK(content() == "3\n");
}

TEST_CASE_METHOD(LogFixture,
                 "a rotation that fails is reported once, and the log continues in the same file") {
  open({{"rotate_size", "1B"}, {"keep", "1"}});
  std::filesystem::create_directories(path + ".1/full");
  append({"1", "2"});
  append({"3"});
  CHECK(content() == "1\n2\n3\n");
  CHECK(host.reported == std::vector<std::string>{"error: cannot rotate " + path +
                                                  ": Is a directory: continues in the same file"});
  std::filesystem::remove_all(path + ".1");
  host.now += 31 * kSecond;  // it is tried again
  append({"4"});
  CHECK(content() == "4\n");
  CHECK(content(".1") == "1\n2\n3\n");
}

TEST_CASE_METHOD(LogFixture, "rotated frames are whole files of frames") {
  open({{"format", "frames"}, {"rotate_size", "100B"}, {"keep", "1000"}});
  std::string expected;
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<std::string> payloads;
    for (int i = 0; i < 20; ++i)
      payloads.push_back(std::string(static_cast<std::size_t>((batch * 20 + i) % 37), 'x'));
    for (const auto& p : payloads) expected += frame(p);
    REQUIRE(append(payloads) == 20);
  }
  std::string all;
  int files = 0;
  while (exists("." + std::to_string(files + 1))) ++files;
  for (int i = files; i >= 1; --i) all += content("." + std::to_string(i));
  CHECK(all + content() == expected);
  CHECK(files > 100);
}

TEST_CASE_METHOD(LogFixture, "the file that follows a rotation is locked as well") {
  open({{"rotate_size", "1B"}});
  append({"1", "2"});
  kit::Host other_host;
  kit::Handler other(kit::load("log"), other_host, {{"path", path}});
  CHECK(other.open().disconnected());
}

TEST_CASE_METHOD(LogFixture, "a path that is a link rotates where the file really is") {
  std::filesystem::create_directory(folder / "disk");
  std::filesystem::create_symlink("disk/real", path);
  open({{"rotate_size", "1B"}, {"keep", "2"}});
  append({"1", "2", "3", "4"});
  CHECK(std::filesystem::is_symlink(path));
  CHECK(content() == "4\n");
  CHECK(kit::read_file(folder / "disk/real.1") == "3\n");
  CHECK(kit::read_file(folder / "disk/real.2") == "2\n");
  CHECK_FALSE(exists(".1"));
}

TEST_CASE_METHOD(LogFixture, "a keep that was lowered removes the rest, and says so") {
  for (int i = 1; i <= 5; ++i)
    kit::write_file(path + "." + std::to_string(i), "old " + std::to_string(i));
  kit::write_file(path + ".20240501", "a date");
  open({{"rotate_size", "1B"}, {"keep", "2"}});
  append({"a", "b"});
  CHECK(content(".1") == "a\n");
  CHECK(content(".2") == "old 1");
  for (const auto* gone : {".3", ".4", ".5"}) CHECK_FALSE(exists(gone));
  CHECK(content(".20240501") == "a date");
  CHECK(host.reported == std::vector<std::string>{"warning: " + path +
                                                  ": deleted x.log.3 to x.log.5: keep is 2 now"});
}

TEST_CASE_METHOD(LogFixture, "a file that another log writes to is neither overwritten nor moved") {
  const std::string keep = GENERATE("1", "3");
  kit::Host other_host;
  kit::Handler other(kit::load("log"), other_host, {{"path", path + ".1"}});
  REQUIRE(other.open().ok());
  REQUIRE(other.handle({"theirs"}).settled == 1);
  open({{"rotate_size", "1B"}, {"keep", keep}});
  append({"1", "2"});
  CHECK(content() == "1\n2\n");
  REQUIRE(other.handle({"more"}).settled == 1);
  CHECK(content(".1") == "theirs\nmore\n");
  CHECK(host.reported ==
        std::vector<std::string>{
            "error: cannot rotate " + path +
            ": x.log.1 is written to by another handler or program; give each its own path: "
            "continues in the same file"});
}

TEST_CASE_METHOD(LogFixture,
                 "what stays of a larger keep is not deleted while another log writes to it") {
  kit::Host other_host;
  kit::Handler other(kit::load("log"), other_host, {{"path", path + ".2"}});
  REQUIRE(other.open().ok());
  open({{"rotate_size", "1B"}, {"keep", "1"}});
  append({"1", "2"});
  CHECK(exists(".2"));
  REQUIRE(host.reported.size() == 1);
  CHECK(
      host.reported[0].find("more rotated files than keep: 1 allows stay: x.log.2 is written to") !=
      std::string::npos);
}

TEST_CASE_METHOD(LogFixture, "a clock that is set back stops neither rotation nor its second try") {
  open({{"rotate_every", "10s"}, {"keep", "1"}});
  append({"1"});
  host.now -= 100'000 * kSecond;
  append({"2"});
  host.now += 10 * kSecond;
  append({"3"});
  CHECK(content(".1") == "1\n2\n");
  std::filesystem::remove(path + ".1");
  std::filesystem::create_directories(path + ".1/full");
  host.now += 10 * kSecond;
  append({"4"});  // cannot rotate
  std::filesystem::remove_all(path + ".1");
  host.now -= 1000 * kSecond;
  append({"5"});
  host.now += 10 * kSecond;
  append({"6"});
  CHECK(content() == "6\n");
}

TEST_CASE_METHOD(LogFixture,
                 "a clock that is set forward, and back again, costs one rotation and no more") {
  open({{"rotate_every", "10s"}});
  append({"1"});
  host.now += 100'000 * kSecond;
  append({"2"});
  CHECK(content(".1") == "1\n");
  host.now -= 100'000 * kSecond;
  append({"3"});
  host.now += 9 * kSecond;
  append({"4"});
  CHECK(content() == "2\n3\n4\n");
  host.now += 1 * kSecond;
  append({"5"});
  CHECK(content() == "5\n");
  CHECK(content(".1") == "2\n3\n4\n");
}
