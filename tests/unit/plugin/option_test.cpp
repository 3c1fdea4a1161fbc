// SPDX-License-Identifier: Apache-2.0
#include "plugin/option.h"

#include <catch2/catch.hpp>

using namespace standpipe::plugin;

namespace {

Parsed parse(std::uint32_t type, std::string_view text) {
  return parse_value({.type = type, .name = "x"}, text, "/etc/hub");
}
std::string problem(std::uint32_t type, std::string_view text) { return parse(type, text).problem; }

}  // namespace

TEST_CASE("each type reads what it should") {
  CHECK(parse(STANDPIPE_INTEGER, "-7").value.integer == -7);
  CHECK(parse(STANDPIPE_FLOAT, "2.5").value.real == 2.5);
  CHECK(parse(STANDPIPE_BOOLEAN, "true").value.integer == 1);
  CHECK(parse(STANDPIPE_DURATION, "250ms").value.integer == 250'000'000);
  CHECK(parse(STANDPIPE_SIZE, "64KiB").value.integer == 65536);
  CHECK(parse(STANDPIPE_STRING, "").value.is_set);
  CHECK(parse(STANDPIPE_PATH, "../log/x").value.text == "/etc/log/x");
  CHECK(parse(STANDPIPE_PATH, "/var/x").value.text == "/var/x");
}

TEST_CASE("each type says what is wrong") {
  CHECK(problem(STANDPIPE_INTEGER, "7.5") == "'7.5' is not a whole number");
  CHECK(problem(STANDPIPE_FLOAT, "nan") == "'nan' is not a number");
  CHECK(problem(STANDPIPE_BOOLEAN, "yes") == "'yes' is neither true nor false");
  CHECK(problem(STANDPIPE_DURATION, "10") == "'10' has no unit");
  CHECK(problem(STANDPIPE_DURATION, "10 parsecs") == "'10 parsecs' is not a duration");
  CHECK(problem(STANDPIPE_SIZE, "1024") == "'1024' has no unit");
  CHECK(problem(STANDPIPE_SIZE, "99999999999TiB") == "'99999999999TiB' is not a size");
  CHECK(problem(STANDPIPE_PATH, "") == "an empty path");
  for (const auto* path : {"/dev/fd/3", "/proc/self/fd/63", "/proc/4711/fd/0", "/dev/../dev/fd/3"})
    CHECK(
        problem(STANDPIPE_PATH, path) ==
        "'" + std::string(path) +
            "' is a descriptor of the process that opens it, and the hub has none of the shell's");
  for (const auto* path : {"/dev/fd", "/dev/fd/x", "/home/fd/3", "/dev/stderr"})
    CHECK(problem(STANDPIPE_PATH, path).empty());
}

TEST_CASE("limits are kept, in the option's own unit") {
  const Option most{.type = STANDPIPE_INTEGER,
                    .name = "keep",
                    .minimum = "0",
                    .maximum = "1000",
                    .unit = "files"};
  CHECK(parse_value(most, "1000", "/").problem.empty());
  CHECK(parse_value(most, "1001", "/").label == "must be from 0 to 1000 files");
  const Option least{.type = STANDPIPE_SIZE, .name = "rotate_size", .minimum = "4KiB"};
  CHECK(parse_value(least, "4096B", "/").problem.empty());
  CHECK(parse_value(least, "1B", "/").problem == "'rotate_size' is out of range");
  CHECK(parse_value(least, "1B", "/").label == "must be at least 4KiB");
}

TEST_CASE("a choice that is none gets the nearest one") {
  const Option option{
      .type = STANDPIPE_ENUM, .name = "format", .choices = {"frames", "lines", "jsonl"}};
  CHECK(parse_value(option, "lines", "/").value.text == "lines");
  CHECK(parse_value(option, "line", "/").label ==
        "did you mean 'lines'? (choices: frames, lines, jsonl)");
  CHECK(parse_value(option, "xml", "/").label == "choices: frames, lines, jsonl");
}

TEST_CASE("a default is used only when there is one") {
  CHECK(default_value({.type = STANDPIPE_SIZE, .fallback = "1KiB"}, "/").integer == 1024);
  CHECK_FALSE(default_value({.type = STANDPIPE_SIZE}, "/").is_set);
}
