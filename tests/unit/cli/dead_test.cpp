// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "console.h"
#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"
#include "temporary_folder.h"

using namespace standpipe;
using Catch::Contains;
using Catch::StartsWith;
using deliver::DeadLetter;
using kit::Console;

namespace {

class Quiet final : public Reporter {
 public:
  void say(const Diagnostic&) override {}
};

// A folder with four letters, of a hub that does not run.
class Fixture {
 public:
  Fixture() {
    Quiet quiet;
    deliver::DeadLetters letters(folder.path(), 1, quiet);
    const char* payloads[] = {"one", "t\x1bwo", "three", "four"};
    for (std::uint64_t i = 0; i < 4; ++i) {
      const std::string payload = payloads[i];
      DeadLetter letter{.source = "orders",
                        .handler = i % 2 ? "audit" : "billing",
                        .plugin = "forward",
                        .sequence = i + 1};
      letter.dead_lettered_ns = (1'700'000'000 + i) * 1'000'000'000;
      const auto detail = "because of \x1b[31m" + std::to_string(i);
      letter.detail = detail;
      letter.route = i == 2 ? "big orders" : "";
      letter.reason = i == 3 ? deliver::Reason::crashed : deliver::Reason::rejected;
      letter.payload = std::as_bytes(std::span(payload));
      REQUIRE_FALSE(letters.put({&letter, 1}));
    }
    deliver::DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next()) ids.push_back(deliver::letter_id(*letter));
  }
  struct Ran {
    int status;
    std::string out, err;
  };
  Ran run(std::vector<std::string> words, std::string_view input = {}) const {
    words.insert(words.begin(), "dead");
    words.insert(words.end(), {"--data-dir", folder.path()});
    Console c(input);
    const int status = c.run(words);
    return {status, c.out(), c.err()};
  }
  std::size_t lines(const std::string& text) const {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  test::TemporaryFolder folder;
  std::vector<std::string> ids;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "letters are listed as a table, and what they say does no harm") {
  const auto all = run({"list"});
  CHECK(all.status == 0);
  CHECK(lines(all.out) == 5);
  CHECK_THAT(all.out, StartsWith("ID"));
  for (const auto& id : ids) CHECK_THAT(all.out, Contains(id));
  CHECK(all.out.find('\x1b') == std::string::npos);
  CHECK(lines(run({"list", "--handler", "audit"}).out) == 3);
  CHECK(lines(run({"list", "--reason", "crashed"}).out) == 2);
  CHECK(lines(run({"list", "--since", "2023-11-14T22:13:22Z"}).out) == 3);
  CHECK(lines(run({"list", "--until", "2023-11-14T22:13:20Z"}).out) == 2);
  const auto last = run({"list", "--limit", "1"});
  CHECK(lines(last.out) == 2);
  CHECK_THAT(last.out, Contains(ids[3]));
  CHECK_THAT(last.err, Contains("the last 1 of 4 dead letters"));
  CHECK_THAT(run({"list", "--source", "none"}).err, Contains("there are no such dead letters"));
  const auto json = run({"list", "--json", "--handler", "billing"});
  CHECK(lines(json.out) == 2);
  CHECK_THAT(json.out, StartsWith("{\"id\":\"" + ids[0]));
}

TEST_CASE_METHOD(Fixture, "a letter is shown by the beginning of its id") {
  const auto shown = run({"show", ids[2].substr(0, 9)});
  CHECK(shown.status == 0);
  CHECK_THAT(shown.out, Contains("billing (forward)") && Contains("rejected") && Contains("three"));
  CHECK_THAT(shown.out, Contains("route          big orders\n"));
  CHECK_THAT(run({"show", ids[0]}).out, Contains("route          -\n"));
  CHECK(shown.out.find('\x1b') == std::string::npos);
  CHECK(run({"show", ids[2], "--format", "raw"}).out == "three");
  CHECK_THAT(run({"show", ids[2], "--format", "hex"}).out, Contains("74 68 72 65 65"));
  CHECK_THAT(run({"show", ids[2], "--json"}).out, Contains("\"text\":\"three\""));
  CHECK_THAT(run({"show", "d-"}).err, Contains("several dead letters are called so"));
  CHECK(run({"show", "d-"}).status == 1);
  CHECK_THAT(run({"show", "x"}).err, Contains("there is no dead letter 'x'"));
}

TEST_CASE_METHOD(Fixture, "letters are copied into a file, as frames or with all that is known") {
  const test::TemporaryFolder to;
  const auto read = [](const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  const auto frames = run({"export", to / "frames", "--handler", "billing"});
  CHECK(frames.status == 0);
  CHECK(read(to / "frames") == std::string("\3\0\0\0one\5\0\0\0three", 16));
  CHECK_THAT(frames.err, Contains("exported 2 dead letters, 8 bytes, to "));
  CHECK(run({"export", to / "frames"}).status == 1);  // it is there
  CHECK(read(to / "frames").size() == 16);
  CHECK(run({"export", to / "lines", "--format", "jsonl"}).status == 0);
  CHECK(lines(read(to / "lines")) == 4);
  CHECK_THAT(read(to / "lines"), Contains("\"base64\":\"b25l\""));
  CHECK(run({"export", "-", "--reason", "crashed"}).out == std::string("\4\0\0\0four", 8));
  CHECK(lines(run({"list"}).out) == 5);  // they stay
}

TEST_CASE_METHOD(Fixture, "letters are purged when a person says so") {
  CHECK(run({"purge", "--handler", "audit", "--dry-run"}).out ==
        "2 dead letters would be removed\n");
  const auto silent = run({"purge", "--handler", "audit"});
  CHECK(silent.status == 2);  // standard input is no terminal
  CHECK_THAT(silent.err, Contains("--yes"));
  CHECK(lines(run({"list"}).out) == 5);
  CHECK(run({"purge", "--handler", "audit", "--yes"}).out == "removed 2 dead letters\n");
  CHECK(lines(run({"list"}).out) == 3);
  CHECK(run({"purge", "--id", ids[0], "--yes"}).out == "removed 1 dead letter\n");
  CHECK(run({"purge", "--yes"}).out == "removed 1 dead letter\n");
  CHECK(run({"purge", "--yes"}).out == "there are no such dead letters\n");
}

TEST_CASE_METHOD(Fixture, "without a hub nothing is replayed, but what would be is said") {
  const auto dry = run({"replay", "--dry-run"});
  CHECK(dry.status == 0);
  CHECK(dry.out ==
        "SOURCE  HANDLER  LETTERS  SIZE\n"
        "orders  audit    2        8 B\n"
        "orders  billing  2        8 B\n");
  CHECK_THAT(dry.err, Contains("4 dead letters would be replayed"));
  CHECK(run({"replay", "--dry-run", "--json", "--handler", "audit"}).out ==
        "{\"source\":\"orders\",\"handler\":\"audit\",\"letters\":2,\"bytes\":8}\n");
  CHECK_THAT(run({"replay", "--dry-run", "--handler", "none"}).err,
             Contains("there are no such dead letters"));
  const auto refused = run({"replay"});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Contains("no hub runs on " + folder.path()) &&
                              Contains("only a running hub can give letters to their handlers"));
  CHECK(run({"replay", "--rate", "often"}).status == 2);
  CHECK(lines(run({"list"}).out) == 5);
}

TEST_CASE_METHOD(Fixture, "what is no filter is said, and how it is meant") {
  CHECK_THAT(run({"list", "--since", "yesterday"}).err, Contains("is no time"));
  CHECK(run({"list", "--since", "yesterday"}).status == 2);
  CHECK_THAT(run({"list", "--reason", "queue_full"}).err, Contains("rejected"));
  CHECK(run({"list", "config.yaml"}).status == 2);
  Console c;
  CHECK(c.run({"dead", "list", "--control", "/no/such/socket"}) == 1);
  CHECK_THAT(c.err(), Contains("--data-dir DIR"));
}

TEST_CASE_METHOD(Fixture, "a filter that can mean nothing is refused") {
  for (const auto* option : {"--id", "--handler", "--source"})
    for (const auto* text : {"", "two words"}) {
      const auto ran = run({"purge", "--yes", option, text});
      CHECK(ran.status == 2);
      CHECK_THAT(ran.err, Contains(std::string(option)));
    }
  Console c;
  CHECK(c.run({"dead", "list", "--data-dir", folder / "nowhere"}) == 1);
  CHECK_THAT(c.err(), Contains("there is no folder"));
  CHECK(run({"purge", "--yes", "--since", "1d", "--until", "2d"}).status == 2);
  CHECK(lines(run({"list", "--json"}).out) == 4);
}

TEST_CASE("what is missing is named") {
  Console console;
  CHECK(console.run({"dead", "show"}) == 2);
  CHECK_THAT(console.err(), Contains("dead show needs an ID"));
}

TEST_CASE_METHOD(Fixture, "a name that no letter has is told") {
  const auto list = run({"list", "--handler", "biling"});
  CHECK(list.status == 0);
  CHECK_THAT(list.err, Contains("none is of handler 'biling' (there are some of: audit, billing)"));
  CHECK_THAT(run({"purge", "--source", "order"}).out,
             Contains("none is of source 'order' (there are some of: orders)"));
  CHECK(run({"list", "--reason", "expired"}).err.find("none is of") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "what is damaged is said, and the status tells") {
  std::ofstream(folder / "dead-letters-1.log")
      << "this is something else, and longer than a header";
  const auto list = run({"list"});
  CHECK(list.status == 1);
  CHECK(lines(list.out) == 5);
  CHECK_THAT(list.err, Contains("dead-letters-1.log is not a disk log"));
  CHECK_THAT(run({"purge", "--yes"}).err, Contains("dead-letters-1.log is not a disk log"));
  CHECK(run({"list"}).out.empty());
}
