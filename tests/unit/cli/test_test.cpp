// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "console.h"
#include "places.h"
#include "temporary_folder.h"

using kit::Console;
namespace fs = std::filesystem;

namespace {

// A configuration whose tests are those, in a folder of its own.
struct Tested {
  explicit Tested(const std::string& tests) {
    std::ofstream(folder / "t.yaml")
        << "sources: { in: { fifo: in } }\n"
           "handlers: { big: { plugin: print }, rest: { plugin: log, options: { path: rest.log } } "
           "}\n"
           "routes:\n"
           "  - { name: large ones, from: in, match: { size: { gte: 4 } }, to: big }\n"
           "unmatched: rest\n"
        << tests;
  }
  int run(Console& c, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"test", folder / "t.yaml", "--plugins", places::plugins()};
    words.insert(words.end(), more.begin(), more.end());
    return c.run(words);
  }
  test::TemporaryFolder folder;
};

const std::string kPassing =
    "  - { name: large, send: { source: in, text: abcd }, expect: { big: 1, rest: 0 } }\n";
const std::string kFailing =
    "  - { name: small, send: { source: in, text: abc }, expect: { big: 1 } }\n";

// Times and the folder differ from run to run.
std::string plain(std::string text, const std::string& folder) {
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
    text.replace(at, folder.size(), "FOLDER");
  return std::regex_replace(text, std::regex("<?[0-9]+ ms"), "N ms");
}

}  // namespace

TEST_CASE("tests that pass are a line each, and the status is 0") {
  Tested tested("tests:\n" + kPassing);
  Console c;
  CHECK(tested.run(c) == 0);
  CHECK(plain(c.out(), tested.folder.path()) ==
        "PASS  large                                           N ms\n"
        "1 passed, 0 failed (N ms)\n");
  CHECK(c.err().empty());
}

TEST_CASE("a test that fails says what was sent, expected and seen, and why") {
  Tested tested("tests:\n" + kPassing + kFailing);
  Console c;
  CHECK(tested.run(c) == 1);
  CHECK(plain(c.out(), tested.folder.path()) ==
        "PASS  large                                           N ms\n"
        "FAIL  small                                           FOLDER/t.yaml:8:13\n"
        "        sent      in  abc\n"
        "        expected  big 1\n"
        "        got       big 0, rest 1 (as unmatched), unmatched 1\n"
        "        because   large ones: size = 3, wanted >= 4   FOLDER/t.yaml:4:52\n"
        "1 passed, 1 failed (N ms)\n");
}

TEST_CASE("a filter chooses tests by a part of their names; one that chooses none is a mistake") {
  Tested tested("tests:\n" + kPassing + kFailing);
  Console some, none;
  CHECK(tested.run(some, {"--filter", "arg"}) == 0);
  CHECK_THAT(some.out(), Catch::Contains("1 passed, 0 failed"));
  CHECK(tested.run(none, {"--filter", "huge"}) == 1);
  CHECK_THAT(none.err(), Catch::Contains("no test has 'huge' in its name"));
}

TEST_CASE("a configuration without tests does not pass") {
  Tested tested("");
  Console c;
  CHECK(tested.run(c) == 1);
  CHECK_THAT(c.err(), Catch::Contains("there are no tests"));
}

TEST_CASE("for programs each test is an object, and the last line sums up") {
  Tested tested("tests:\n" + kPassing + kFailing);
  Console c;
  CHECK(tested.run(c, {"--json"}) == 1);
  std::istringstream lines(c.out());
  std::string first, second, last;
  std::getline(lines, first);
  std::getline(lines, second);
  std::getline(lines, last);
  CHECK_THAT(first, Catch::StartsWith("{\"test\":\"large\",\"place\":\"") &&
                        Catch::Contains("\"passed\":true"));
  CHECK_THAT(second, Catch::Contains("\"passed\":false") &&
                         Catch::Contains("\"expected\":[\"big 1\"]") &&
                         Catch::Contains("\"because\":[{\"text\":\"large ones: size = 3"));
  CHECK_THAT(last, Catch::StartsWith("{\"ok\":false,\"passed\":1,\"failed\":1,"));
}

TEST_CASE("JUnit's report has every test, and its text cannot break the XML") {
  Tested tested(
      "tests:\n" + kPassing +
      "  - { name: \"<&\\\">\\x01\", send: { source: in, text: \"]]>\" }, expect: { big: 1 } "
      "}\n");
  Console c;
  const auto file = tested.folder / "report.xml";
  CHECK(tested.run(c, {"--junit", file}) == 1);
  std::ostringstream report;
  report << std::ifstream(file).rdbuf();
  CHECK_THAT(report.str(), Catch::Contains("tests=\"2\" failures=\"1\"") &&
                               Catch::Contains("name=\"&lt;&amp;&quot;&gt;\\x01\"") &&
                               Catch::Contains("]]&gt;") && Catch::Contains("name=\"large\""));
  Console nowhere;
  CHECK(tested.run(nowhere, {"--junit", tested.folder / "no/such/report.xml"}) == 1);
  CHECK_THAT(nowhere.err(), Catch::Contains("report.xml"));
}

TEST_CASE("nothing outside is touched") {
  Tested tested("tests:\n" + kPassing + kFailing);
  Console c;
  tested.run(c);
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(tested.folder.path()))
    files.push_back(entry.path().filename());
  CHECK(files == std::vector<std::string>{"t.yaml"});
}
