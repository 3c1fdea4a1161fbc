// SPDX-License-Identifier: Apache-2.0
// The commands `queue list`, `check`, `cat` and `export`.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/data_folder.h"
#include "cli/console.h"
#include "deliver/saved_kit.h"

using namespace standpipe;
using kit::Console;

namespace {

class Fixture : public test::SavedKit {
 public:
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "queue");
    words.insert(words.end(), {"--data-dir", folder.path()});
    Console console;
    const int status = console.run(words);
    out = console.out(), err = console.err();
    return status;
  }
  std::string out, err;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "queue list has a row a file, and says what is damaged") {
  spill("in", {"one", "two"});
  change(queue("in", "b", 5, {"three", "four", "five"}), "four", "FOUR");
  letter("no message waits in it");
  REQUIRE(run({"list"}) == 0);
  CHECK(out.find("spill  in      a, b     2") != std::string::npos);
  CHECK(out.find("queue  in      b        2") != std::string::npos);
  CHECK(out.find("sound") < out.find("damaged"));
  CHECK(std::ranges::count(out, '\n') == 3);
  REQUIRE(run({"list", "--json"}) == 0);
  CHECK(out.find("\"damage\":[\"1 record (") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "queue list of a folder without messages says so") {
  REQUIRE(run({"list"}) == 0);
  CHECK(out == "");
  CHECK(err == "info  no messages wait in " + folder.path() + "\n");
}

TEST_CASE_METHOD(Fixture, "queue check reads dead letters too, and repairs each file once") {
  spill("in", {"one"});
  letter("first");
  change(letter("second"), "first", "FIRST");
  REQUIRE(run({"check"}) == 1);
  CHECK(out == "1 damaged file of 2 files, 1 waiting message\n");
  CHECK(err.find("dead-letters.log: 1 record (") != std::string::npos);
  REQUIRE(run({"check", "--repair"}) == 0);
  CHECK(out == "1 damaged file of 2 files, 1 waiting message; 1 repaired\n");
  CHECK(std::filesystem::exists(folder / "dead-letters.log.damaged"));
  REQUIRE(run({"check"}) == 0);
  CHECK(out == "ok: 2 files, 1 waiting message\n");
}

TEST_CASE_METHOD(Fixture, "queue check repairs nothing beside a hub") {
  change(spill("in", {"one", "two"}), "one", "ONE");
  const DataFolder hub(folder.path());
  REQUIRE(run({"check"}) == 1);
  REQUIRE(run({"check", "--repair"}) == 1);
  CHECK(err.find("uses " + folder.path() + ", and nothing is repaired beside it") !=
        std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "spill/in-1.log.damaged"));
}

TEST_CASE_METHOD(Fixture, "queue cat prints what is asked for, in its order") {
  spill("in", {"one", "two"});
  spill("other", {"three"});
  queue("in", "c", 1, {"four"});
  REQUIRE(run({"cat"}) == 0);
  CHECK(out == "one\ntwo\nfour\nthree\n");
  REQUIRE(run({"cat", "--source", "in", "--handler", "c", "--format", "json"}) == 0);
  CHECK(out == "{\"size\":4,\"text\":\"four\"}\n");
  REQUIRE(run({"cat", "--count", "1"}) == 0);
  CHECK(out == "one\n");
}

TEST_CASE_METHOD(Fixture, "queue export writes frames, or lines with all that is known") {
  spill("in", {"one", "\xff"});
  REQUIRE(run({"export"}) == 0);
  CHECK(out == std::string("\3\0\0\0one\1\0\0\0\xff", 12));
  REQUIRE(run({"export", "--format", "jsonl"}) == 0);
  CHECK(
      out ==
      "{\"source\":\"in\",\"handlers\":[\"a\",\"b\"],\"sequence\":1,\"accepted_ns\":10,\"meta\":{},"
      "\"payload\":\"one\"}\n"
      "{\"source\":\"in\",\"handlers\":[\"a\",\"b\"],\"sequence\":2,\"accepted_ns\":20,\"meta\":{},"
      "\"payload_base64\":\"/w==\"}\n");
  change(folder / "spill/in-1.log", "one", "ONE");
  CHECK(run({"export"}) == 1);
  CHECK(out == std::string("\1\0\0\0\xff", 5));
}

TEST_CASE_METHOD(Fixture, "a name of which nothing waits is told") {
  queue("in", "b", 5, {"three"});
  REQUIRE(run({"cat", "--handler", "bb"}) == 0);
  CHECK(out == "");
  CHECK(err.find("no message waits for handler 'bb' (some wait for: b)") != std::string::npos);
  REQUIRE(run({"export", "--source", "inn", "--format", "jsonl"}) == 0);
  CHECK(err.find("source 'inn' (some wait for: in)") != std::string::npos);
}

TEST_CASE("a folder must be named, and be there") {
  Console console;
  CHECK(console.run({"queue", "cat"}) == 2);
  CHECK(console.run({"queue", "cat", "--data-dir", "/no/such"}) == 1);
}
