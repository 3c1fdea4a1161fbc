// SPDX-License-Identifier: Apache-2.0
// The commands `queue list`, `check`, `cat` and `export`.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
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

TEST_CASE_METHOD(Fixture, "queue check tells a file that is missing between two others") {
  queue("in", "b", 1, {"one", "two"});
  const auto second = queue("in", "b", 3, {"three", "four"});
  queue("in", "b", 5, {"five"});
  queue("in", "c", 9, {"of another handler"});
  REQUIRE(run({"check"}) == 0);
  CHECK(out == "ok: 4 files, 6 waiting messages\n");
  std::filesystem::remove(second);
  REQUIRE(run({"check"}) == 1);
  CHECK(out == "2 missing messages of 3 files, 4 waiting messages\n");
  CHECK(err.find("/queue/in/b: 2 messages from number 3 on are in no file: " + second +
                 " is missing, or the end of ") != std::string::npos);
  CHECK(run({"check", "--repair"}) == 1);  // nothing brings them back
}

TEST_CASE_METHOD(Fixture,
                 "queue check tells a file that has lost its end, and what is left of it") {
  const auto path = queue("in", "b", 1, {"one", "two"});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  REQUIRE(run({"check"}) == 0);
  CHECK(out.starts_with("ok: 1 file, 1 waiting message, "));
  CHECK(out.ends_with(" bytes left out\n"));
  CHECK(err.find(path + ": ") != std::string::npos);
  CHECK(err.find("at its end are no whole record") != std::string::npos);
  SECTION("where another file goes on, messages are missing") {
    queue("in", "b", 3, {"three"});
    REQUIRE(run({"check"}) == 1);
    CHECK(out.starts_with("1 missing message of 2 files, 2 waiting messages, "));
    CHECK(err.find("1 message from number 2 on is in no file: " + path + " was cut off") !=
          std::string::npos);
  }
  SECTION("beside a hub, which may be writing it, nothing is said") {
    const DataFolder hub(folder.path());
    REQUIRE(run({"check"}) == 0);
    CHECK(out == "ok: 1 file, 1 waiting message\n");
  }
}

TEST_CASE_METHOD(Fixture, "queue check tells a copy of a file under another name") {
  const auto path = queue("in", "b", 1, {"one"});
  const auto copy = folder / "queue/in/b/9999.log";
  std::filesystem::copy_file(path, copy);
  REQUIRE(run({"check"}) == 1);
  CHECK(err.find(copy + " has messages of other numbers than its name says") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "queue check leaves a file of a later version as it is") {
  const auto path = queue("in", "b", 1, {"one"});
  std::ofstream(path, std::ios::binary) << "stdplog\n\x09" + std::string(51, '\0');
  REQUIRE(run({"check", "--repair"}) == 1);
  CHECK(out == "1 file of a newer version of 1 file, 0 waiting messages\n");
  CHECK(err.find("is a disk log of version 9") != std::string::npos);
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + ".unreadable"));
}

TEST_CASE_METHOD(Fixture, "queue check reads the list of letters that were replayed") {
  letter("one");
  const auto list = folder / "dead-letters-replayed.log";
  std::ofstream(list, std::ios::binary) << std::string(5000, '\0');
  REQUIRE(run({"check"}) == 1);
  CHECK(err.find(list + " is not a disk log") != std::string::npos);
  REQUIRE(run({"check", "--repair"}) == 0);
  CHECK(std::filesystem::exists(list + ".unreadable"));
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
