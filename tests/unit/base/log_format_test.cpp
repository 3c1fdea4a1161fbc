// SPDX-License-Identifier: Apache-2.0
#include "base/log_format.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

#include "base/fd.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

constexpr Nanoseconds kNoon = 1'714'564'800s + 250ms;  // 2024-05-01 12:00:00.250 UTC

void use_zone(const char* zone) {
  ::setenv("TZ", zone, 1);
  ::tzset();
}

const Diagnostic kWarning{
    .severity = Severity::warning, .code = "slow", .message = "it is slow", .help = {"wait"}};
const Diagnostic kInfo{
    .severity = Severity::info, .code = "", .message = "ready", .notes = {"at last"}};

}  // namespace

TEST_CASE("text has the local time with its zone, once an entry") {
  use_zone("UTC");
  CHECK(log_entry(kWarning, LogFormat::text, false, kNoon) ==
        "2024-05-01T12:00:00.250+00:00 warning: it is slow\n  help: wait\n");
  use_zone("<+0530>-5:30");
  CHECK(log_entry(kInfo, LogFormat::text, false, kNoon) ==
        "2024-05-01T17:30:00.250+05:30 info  ready\n  note: at last\n");
  use_zone("<-03>3");
  CHECK(log_entry(kInfo, LogFormat::text, false, kNoon)
            .starts_with("2024-05-01T09:00:00.250-03:00 info  "));
  use_zone("UTC");
}

TEST_CASE("json is an object a line, with the time first") {
  use_zone("UTC");
  CHECK(
      log_entry(kWarning, LogFormat::json, true, kNoon) ==
      R"({"time":"2024-05-01T12:00:00.250+00:00","severity":"warning","code":"slow","message":"it is slow",)"
      R"("notes":[],"help":["wait"]})"
      "\n");
  CHECK(
      log_lines("closes\nmore\n", "account", "{\"closes\":true}\n", LogFormat::json, kNoon) ==
      R"({"time":"2024-05-01T12:00:00.250+00:00","account":{"closes":true},"severity":"info","code":"account",)"
      R"("message":"closes","notes":[],"help":[]})"
      "\n");
}

TEST_CASE("for the journal each line has its level, and neither time nor colour") {
  CHECK(log_entry(kWarning, LogFormat::journal, true, kNoon) ==
        "<4>warning: it is slow\n<4>  help: wait\n");
  CHECK(log_entry(kInfo, LogFormat::journal, true, kNoon) ==
        "<6>info  ready\n<6>  note: at last\n");
  CHECK(log_lines("a\nb", "account", "{}", LogFormat::journal, kNoon) == "<6>a\n<6>b");
}

TEST_CASE("the journal is known by the stream that it gave, and by no other") {
  const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  struct stat st {};
  REQUIRE(::fstat(file.get(), &st) == 0);
  const auto stream = std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  CHECK(default_log_format(file.get()) == LogFormat::journal);
  ::setenv("JOURNAL_STREAM", (stream + "1").c_str(), 1);
  CHECK(default_log_format(file.get()) == LogFormat::text);
  ::unsetenv("JOURNAL_STREAM");
  CHECK(default_log_format(file.get()) == LogFormat::text);
}

TEST_CASE("formats have names") {
  CHECK(parse_log_format("json") == LogFormat::json);
  CHECK(parse_log_format("journal") == LogFormat::journal);
  CHECK_FALSE(parse_log_format("plain"));
}
