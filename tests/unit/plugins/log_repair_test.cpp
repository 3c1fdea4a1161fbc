// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "log_fixture.h"

using kit::frame;
using kit::LogFixture;

TEST_CASE_METHOD(LogFixture, "a truncated last frame is cut off, and reported") {
  const auto whole = frame("one") + frame("") + frame("three");
  const auto truncated = frame("ten bytes.");
  const auto left = GENERATE(1u, 3u, 4u, 5u, 13u);
  kit::write_file(path, whole + truncated.substr(0, left));
  open({{"format", "frames"}});
  CHECK(host.reported ==
        std::vector<std::string>{"warning: " + path + ": its last frame was truncated: " +
                                 std::to_string(left) + (left == 1 ? " byte" : " bytes") +
                                 " cut off and kept as x.log.damaged-1, 3 frames (20 bytes) stay"});
  append({"next"});
  CHECK(content() == whole + frame("next"));
  CHECK(content(".damaged-1") == truncated.substr(0, left));
  CHECK(kit::mode_of(path + ".damaged-1") == kit::mode_of(path));
}

TEST_CASE_METHOD(LogFixture, "a truncated frame after many small and large ones is found") {
  std::string whole;
  for (std::size_t i = 0; i < 40000; ++i) whole += frame(std::string(i % 97, 'x'));
  whole += frame(std::string(300'000, 'y')) + frame("z");
  kit::write_file(path, whole + "\5");
  open({{"format", "frames"}});
  REQUIRE(host.reported.size() == 1);
  CHECK(host.reported[0].find("1 byte cut off and kept as x.log.damaged-1, 40002 frames (" +
                              std::to_string(whole.size()) + " bytes) stay") != std::string::npos);
  CHECK(content() == whole);
}

TEST_CASE_METHOD(LogFixture, "whole files are opened without a word") {
  const std::string format = GENERATE("frames", "lines", "jsonl");
  kit::write_file(path, format == "frames" ? frame("one") : "one\n");
  open({{"format", format}});
  CHECK(host.reported.empty());
  CHECK(content() == (format == "frames" ? frame("one") : "one\n"));
}

TEST_CASE_METHOD(LogFixture, "a file that holds something else is kept whole beside the new one") {
  const std::string text = "hello, this is a text\n";
  const std::string coloured = "\x1b[31mERROR\x1b[0m disk\nmore\n";
  const std::string archive("\x1f\x8b\x08\0\0\0\0\0\0\3garbage", 17);
  const std::string utf16(
      "\xff\xfe"
      "a\0 \0l\0i\0n\0e\0",
      14);
  const std::vector<std::string> all = {text, coloured, archive, utf16, "xxx"};
  const auto there = all[GENERATE(0u, 1u, 2u, 3u, 4u)];
  kit::write_file(path, there);
  open({{"format", "frames"}});
  append({"next"});
  CHECK(content() == frame("next"));
  CHECK(content(".damaged-1") == there);
  CHECK(host.reported ==
        std::vector<std::string>{"warning: " + path +
                                 " does not hold frames (no whole frame at byte 0 of " +
                                 std::to_string(there.size()) +
                                 "): it is kept as x.log.damaged-1, and a new file begins"});
}

TEST_CASE_METHOD(
    LogFixture, "frames with a text after them are kept whole, too: nobody knows where it begins") {
  kit::write_file(path, frame("one") + "a text after it");
  open({{"format", "frames"}});
  CHECK(content() == "");
  CHECK(content(".damaged-1") == frame("one") + "a text after it");
}

TEST_CASE_METHOD(LogFixture, "what was kept earlier is never written over") {
  kit::write_file(path + ".damaged-1", "earlier");
  kit::write_file(path, GENERATE(std::string("no frames at all"), frame("one") + "\5"));
  open({{"format", "frames"}});
  CHECK(content(".damaged-1") == "earlier");
  CHECK(exists(".damaged-2"));
}

TEST_CASE_METHOD(LogFixture, "a repair that finds no room cuts nothing, and is tried again") {
  const auto truncated = frame(std::string(5000, 'x')).substr(0, 4000);
  kit::write_file(path, frame("one") + truncated);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const auto answer = try_open({{"format", "frames"}});
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(answer.disconnected());
  CHECK(answer.reason == "cannot keep what is damaged of " + path + ": File too large");
  CHECK(content() == frame("one") + truncated);
  CHECK_FALSE(exists(".damaged-1"));
  REQUIRE(log->open().ok());
  CHECK(content(".damaged-1") == truncated);
}

TEST_CASE_METHOD(LogFixture, "a truncated last line is finished, and reported") {
  kit::write_file(path, "one\ntw");
  open({{"format", GENERATE("lines", "jsonl")}});
  CHECK(host.reported ==
        std::vector<std::string>{
            "warning: " + path +
            ": its last line was truncated: finished with a newline after 6 bytes, all kept"});
  CHECK(content() == "one\ntw\n");
}
