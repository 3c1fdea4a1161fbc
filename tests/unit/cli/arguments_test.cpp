// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <catch2/catch.hpp>

#include "cli/command.h"

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;

namespace {

Command row() {
  return {
      .name = "send",
      .summary = {},
      .examples = {},
      .description = {},
      .operands = {{.name = "FIFO"},
                   {.name = "MESSAGE", .required = false, .repeated = true, .kind = Kind::text}},
      .options =
          {{.name = "count", .letter = 'n', .kind = Kind::count, .value = "N"},
           {.name = "size", .kind = Kind::size, .value = "S"},
           {.name = "timeout", .kind = Kind::duration, .value = "D"},
           {.name = "rate", .kind = Kind::rate, .value = "R/s"},
           {.name = "format", .kind = Kind::choice, .value = "F", .choices = {"text", "json"}},
           {.name = "plugins", .kind = Kind::folder, .value = "DIR", .repeatable = true},
           {.name = "quiet", .letter = 'q'}},
      .run = nullptr};
}

Arguments parse(const std::vector<std::string>& words) { return Arguments(row(), words); }

// "what | help"
std::string complaint(const std::vector<std::string>& words) try {
  (void)parse(words);
  return "none";
} catch (const WrongUsage& usage) {
  return std::string(usage.what()) + " | " + usage.help();
}

}  // namespace

TEST_CASE("options and operands may stand in any order, and what follows -- is an operand") {
  const auto a = parse({"-n", "3", "fifo", "--timeout=5s", "one", "-q", "--", "--two", "-3"});
  CHECK(a.operands() == std::vector<std::string>{"fifo", "one", "--two", "-3"});
  CHECK(a.count("count") == 3);
  CHECK(a.duration("timeout") == Nanoseconds(5s));
  CHECK(a.has("quiet"));
  CHECK_FALSE(a.has("rate"));
  CHECK_FALSE(a.rate("rate"));
}

TEST_CASE("values are read with their units") {
  const auto a =
      parse({"f", "--size", "64KiB", "--rate", "20k/s", "--plugins", "a", "--plugins", "b", ""});
  CHECK(a.size("size") == 65536);
  CHECK(a.rate("rate") == 20000.0);
  CHECK(parse({"f", "--rate", "0.5/s"}).rate("rate") == 0.5);
  CHECK(a.texts("plugins") == std::vector<std::string>{"a", "b"});
  CHECK(a.operands() == std::vector<std::string>{"f", ""});
}

TEST_CASE("a line that asks for help needs nothing else") {
  CHECK(parse({"--help"}).wants_help());
  CHECK(parse({"-h", "--count", "x"}).wants_help());
}

TEST_CASE("a mistyped option is reported with the one that was probably meant") {
  CHECK(complaint({"f", "--cuont", "3"}) ==
        "unknown option '--cuont' for send | did you mean '--count'?");
  CHECK(complaint({"f", "--coun", "3"}) ==
        "unknown option '--coun' for send | did you mean '--count'?");
  CHECK(complaint({"f", "--zebra"}) ==
        "unknown option '--zebra' for send | is it a message? write -- before the messages; or "
        "see: standpipe send --help");
  CHECK(complaint({"f", "-5"}) ==
        "unknown option '-5' for send | is it a message? write -- before the messages; or see: "
        "standpipe send --help");
}

TEST_CASE("a value that is missing, superfluous or given twice is reported") {
  CHECK(complaint({"f", "--count"}) ==
        "option '--count' wants a value | write --count N; see: standpipe send --help");
  CHECK(complaint({"f", "--count="}) ==
        "option '--count' wants a value | write --count N; see: standpipe send --help");
  CHECK(complaint({"f", "-n"}) ==
        "option '--count' wants a value | write --count N; see: standpipe send --help");
  CHECK(complaint({"f", "--quiet=yes"}) == "option '--quiet' takes no value | write just --quiet");
  CHECK(complaint({"f", "-n", "1", "--count", "2"}) ==
        "option '--count' is given twice | leave one out");
}

TEST_CASE("a value of the wrong type is reported with an example of the right one") {
  CHECK(complaint({"f", "-n", "x"}) ==
        "--count wants a whole number from 1, not 'x' | e.g. --count 10");
  CHECK(complaint({"f", "-n", "0"}) ==
        "--count wants a whole number from 1, not '0' | e.g. --count 10");
  CHECK(complaint({"f", "--timeout", "5"}) ==
        "--timeout wants a duration with its unit, not '5' | write 5s, 5ms, 5m");
  CHECK(complaint({"f", "--timeout", "soon"}) ==
        "--timeout wants a duration, not 'soon' | e.g. --timeout 5s");
  CHECK(complaint({"f", "--size", "16"}) ==
        "--size wants a size with its unit, not '16' | write 16B, 16KiB, 16MiB");
  CHECK(complaint({"f", "--rate", "7"}) == "--rate wants a number a second, not '7' | write 7/s");
  CHECK(complaint({"f", "--rate", "-1/s"}) ==
        "--rate wants a number a second, not '-1/s' | e.g. --rate 100/s, --rate 20k/s");
  CHECK(complaint({"f", "--format", "jsno"}) ==
        "--format wants one of text, json, not 'jsno' | did you mean 'json'?");
  CHECK(complaint({"f", "--plugins", ""}) ==
        "option '--plugins' wants a value that is not empty | ");
}

TEST_CASE("a missing, empty or superfluous operand is reported") {
  CHECK(complaint({}) == "send needs a FIFO | see: standpipe send --help");
  CHECK(complaint({""}) == "FIFO is an empty text | is a variable of the shell not set?");
  auto one = row();
  one.operands.pop_back();
  CHECK_THROWS_WITH(Arguments(one, std::vector<std::string>{"f", "g\x1b"}),
                    "send does not know what to do with 'g\\x1b'");
}
