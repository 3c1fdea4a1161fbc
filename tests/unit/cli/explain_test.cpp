// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "console.h"
#include "places.h"
#include "temporary_folder.h"

using kit::Console;

namespace {

struct Explained {
  explicit Explained(const std::string& more = "") {
    std::ofstream(folder / "t.yaml")
        << "sources: { in: { fifo: in, framing: { max_message_size: 1KiB } } }\n"
           "handlers: { big: { plugin: print }, rest: { plugin: log, options: { path: /tmp/r } } "
           "}\n"
           "routes:\n"
           "  - { name: large ones, from: in, match: { size: { gte: 4 } }, to: big, final: true }\n"
           "  - { name: all, from: in, match: { text: { prefix: a } }, to: [big, rest] }\n"
        << more;
  }
  int run(Console& c, std::vector<std::string> more) {
    std::vector<std::string> words{"explain", folder / "t.yaml", "--plugins", places::plugins()};
    words.insert(words.end(), more.begin(), more.end());
    const auto status = c.run(words);
    said = c.out();
    for (auto at = said.find(folder.path()); at != std::string::npos; at = said.find(folder.path()))
      said.replace(at, folder.path().size(), "F");
    return status;
  }
  test::TemporaryFolder folder;
  std::string said;
};

}  // namespace

TEST_CASE("each route says whether it takes the message, and what decided") {
  Explained explained;
  Console c;
  CHECK(explained.run(c, {"--source", "in", "abc"}) == 0);
  CHECK(explained.said ==
        "source in                    3 bytes, not JSON at byte 0\n"
        "  no   large ones  size = 3, wanted >= 4     F/t.yaml:4:52\n"
        "  yes  all         text = \"abc\", prefix \"a\"  F/t.yaml:5:45\n"
        "       -> big (print)\n"
        "       -> rest (log, /tmp/r)\n");
}

TEST_CASE("what a final route took is not tried further") {
  Explained explained;
  Console c;
  CHECK(explained.run(c, {"abcd"}) == 0);  // the only source needs no name
  CHECK_THAT(explained.said,
             Catch::Contains("  yes  large ones") &&
                 Catch::Contains("  --   all         not tried: 'large ones' is final"));
}

TEST_CASE("what a handler emits is explained for the handler, by its own routes") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "t.yaml")
      << "sources: { in: { fifo: in }, brought: { plugin: bringing, options: { path: x } } }\n"
         "handlers: { split: { plugin: speaking }, screen: { plugin: print } }\n"
         "routes:\n"
         "  - { name: all, from: [in, brought], to: [split, screen] }\n"
         "  - { name: on, from: split, to: screen }\n";
  const auto explain = [&](const std::string& source, std::vector<std::string> more, int status) {
    Console c;
    std::vector<std::string> words{
        "explain",   folder / "t.yaml",        "--plugins", places::plugins(),
        "--plugins", places::config_plugins(), "--source",  source};
    words.insert(words.end(), more.begin(), more.end());
    CHECK(c.run(words) == status);
    return c.out() + c.err();
  };
  for (const auto* source : {"in", "brought"})
    CHECK_THAT(explain(source, {"abc"}, 0),
               Catch::Contains("       -> split (speaking)\n"
                               "          what it emits goes on by its own routes: explain "
                               "--source split\n"
                               "       -> screen (print)\n"));
  CHECK_THAT(explain("split", {"abc"}, 0), Catch::Contains("source split ") &&
                                               Catch::Contains("  yes  on") &&
                                               Catch::Contains("       -> screen (print)\n"));
  CHECK_THAT(explain("screen", {"abc"}, 2), Catch::Contains("(sources: in, brought, split)"));
  CHECK_THAT(explain("split", {"--raw", "--hex", "00"}, 2),
             Catch::Contains("source 'split' is no FIFO, so there are no frames in it"));
}

TEST_CASE("a message is explained for several sources, by the routes and limits of each") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "t.yaml")
      << "sources: { one: { fifo: one, framing: { max_message_size: 2B } }, two: { fifo: two } }\n"
         "handlers: { screen: { plugin: print }, other: { plugin: print } }\n"
         "routes:\n"
         "  - { name: first, from: one, to: screen }\n"
         "  - { name: second, from: two, to: other }\n";
  const auto explain = [&](std::vector<std::string> words, int status) {
    Console c;
    words.insert(words.begin(), {"explain", folder / "t.yaml", "--plugins", places::plugins(),
                                 "--source", "two", "-s", "one"});
    CHECK(c.run(words) == status);
    return c.out();
  };
  CHECK(explain({"ab"}, 0) ==
        "source two                   2 bytes, not JSON at byte 0\n"
        "  yes  second  takes every message\n"
        "       -> other (print)\n"
        "source one                   2 bytes, not JSON at byte 0\n"
        "  yes  first  takes every message\n"
        "       -> screen (print)\n");
  const auto large = explain({"abc", "--json"}, 1);  // for one of them
  CHECK_THAT(large, Catch::StartsWith(R"({"source":"two","offset":0,)") &&
                        Catch::Contains(R"({"source":"one","offset":0,"fault":"bad_frame")"));
}

TEST_CASE("what no route wants is said, and where it goes") {
  Explained dropped, kept("unmatched: rest\n");
  Console c, d;
  CHECK(dropped.run(c, {"x"}) == 0);
  CHECK_THAT(dropped.said, Catch::Contains("no route wants it") &&
                               Catch::Contains("dropped and counted (no_route)"));
  CHECK(kept.run(d, {"x"}) == 0);
  CHECK_THAT(kept.said, Catch::Contains("-> rest (log, /tmp/r), as unmatched"));
}

TEST_CASE("a message comes from a file, as hex, or from standard input") {
  Explained explained;
  std::ofstream(explained.folder / "m") << "abc";
  Console file, hex, input("abc");
  CHECK(explained.run(file, {"--file", explained.folder / "m"}) == 0);
  const auto said = explained.said;
  CHECK(explained.run(hex, {"--hex", "61 62 63"}) == 0);
  CHECK(explained.said == said);
  CHECK(explained.run(input, {"-"}) == 0);
  CHECK(explained.said == said);
}

TEST_CASE("of raw bytes each frame is explained, and then what is none") {
  Explained explained;
  Console c;
  CHECK(explained.run(c, {"--raw", "--hex", "01000000 61 68656c6c 6f"}) == 1);
  CHECK_THAT(explained.said,
             Catch::StartsWith("frame at byte 1\nsource in ") &&
                 Catch::Contains("bad_frame at byte 6\n") &&
                 Catch::Contains("a frame claims 1,819,043,176 bytes (limit 1,024)"));
  Console truncated;
  CHECK(explained.run(truncated, {"--raw", "--hex", "05000000 61"}) == 1);
  CHECK_THAT(explained.said,
             Catch::Contains("truncated at byte 1\n") && Catch::Contains("there are 5 bytes of 9"));
}

TEST_CASE("for programs each message is an object") {
  Explained explained;
  Console c;
  CHECK(explained.run(c, {"--json", "abc"}) == 0);
  CHECK_THAT(explained.said,
             Catch::StartsWith("{\"source\":\"in\",\"offset\":0,") &&
                 Catch::Contains("{\"route\":\"all\",\"reached\":true,\"matched\":true,") &&
                 Catch::Contains("\"handlers\":[\"big\",\"rest\"]}\n"));
}

TEST_CASE("how it is used wrongly is answered with how it is meant") {
  Explained explained;
  const auto refused = [&](std::vector<std::string> words) {
    Console c;
    CHECK(explained.run(c, std::move(words)) == 2);
    return c.err();
  };
  CHECK_THAT(refused({"--source", "on", "x"}), Catch::Contains("did you mean 'in'?"));
  CHECK_THAT(refused({}), Catch::Contains("MESSAGE, --file or --hex"));
  CHECK_THAT(refused({"x", "--hex", "00"}), Catch::Contains("MESSAGE, --file or --hex"));
  CHECK_THAT(refused({"--hex", "0"}), Catch::Contains("is not hex"));
  CHECK_THAT(refused({"x", "--meta", "k"}), Catch::Contains("--meta"));
}

TEST_CASE("a file that no message of the source can be is refused, and not read to its end") {
  Explained explained;
  Console c;
  CHECK(explained.run(c, {"--source", "in", "--file", "/dev/zero"}) == 1);
  CHECK_THAT(c.err(), Catch::Contains("/dev/zero has more than 1,024 bytes: as a message it is too "
                                      "large for source 'in'"));
  Console raw;
  CHECK(explained.run(raw, {"--source", "in", "--raw", "--file", "/dev/zero"}) == 1);
  CHECK_THAT(raw.err(), Catch::Contains("/dev/zero has more than 67,108,864 bytes"));
  Console whole;
  std::ofstream(explained.folder / "whole") << std::string(1024, 'a');
  CHECK(explained.run(whole, {"--source", "in", "--file", explained.folder / "whole"}) == 0);
}
