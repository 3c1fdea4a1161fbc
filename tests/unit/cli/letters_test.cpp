// SPDX-License-Identifier: Apache-2.0
#include "cli/letters.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "console.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using cli::parse_time;

TEST_CASE("a time is so long ago, or on a day, at an hour") {
  ::setenv("TZ", "UTC-2", 1);  // two hours east
  ::tzset();
  const Nanoseconds now = 100h;
  constexpr std::uint64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;
  CHECK(parse_time("2h", now) == 98 * kHour);
  CHECK(parse_time("0", now) == 100 * kHour);
  CHECK(parse_time("5d", now) == 0);  // before 1970
  CHECK(parse_time("1970-01-02", now) == 22 * kHour);
  CHECK(parse_time("1970-01-02T12:30", now) == 34 * kHour + 1800 * kSecond);
  CHECK(parse_time("1970-01-02 12:30:05", now) == 34 * kHour + 1805 * kSecond);
  CHECK(parse_time("1970-01-02T12:30:05Z", now) == 36 * kHour + 1805 * kSecond);
  CHECK(parse_time("1970-01-02T12:30:05.25Z", now) == 36 * kHour + 1805 * kSecond + kSecond / 4);
  CHECK(parse_time("9999-12-31", now) == UINT64_MAX);
  for (const auto* wrong :
       {"", "yesterday", "12:30", "1970-13-01", "1970-01-02T12:30:05+02:00", "1970-01-02 12", "-2h",
        "1971-02-29", "1970-01-02.5", "1970-01-02T12:30:05.", "1970-01-02T12:30:05.5x"})
    CHECK_FALSE(parse_time(wrong, now));
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("a letter as JSON has its payload as it is asked for") {
  const std::string text = "hello", bytes = "\xff\x00";
  deliver::DeadLetter letter{.source = "in", .handler = "it", .plugin = "log", .sequence = 7};
  letter.accepted_ns = 1'000'000'001;
  letter.dead_lettered_ns = 2'500'000'000;
  letter.reason = deliver::Reason::rejected;
  letter.detail = "why \"so\"";
  letter.route = "big orders";
  letter.attempts = 2;
  letter.payload = std::as_bytes(std::span(text));
  const std::string head = "{\"id\":" + ('"' + deliver::letter_id(letter) + '"') +
                           ",\"source\":\"in\",\"handler\":\"it\",\"plugin\":\"log\",\"reason\":"
                           "\"rejected\",\"detail\":\"why \\\"so\\\"\",\"route\":\"big "
                           "orders\",\"attempts\":2,\"sequence\":7,"
                           "\"accepted\":\"1970-01-01T00:00:01.000000001Z\",\"dead_lettered\":"
                           "\"1970-01-01T00:00:02.500000000Z\",\"size\":5,\"meta\":[]";
  CHECK(cli::letter_json(letter, cli::WithPayload::no) == head + "}\n");
  CHECK(cli::letter_json(letter, cli::WithPayload::as_it_is) == head + ",\"text\":\"hello\"}\n");
  CHECK(cli::letter_json(letter, cli::WithPayload::base64) == head + ",\"base64\":\"aGVsbG8=\"}\n");
  letter.payload = std::as_bytes(std::span(bytes));
  letter.route = {};
  CHECK_THAT(cli::letter_json(letter, cli::WithPayload::no), Catch::Contains("\"route\":null,"));
  CHECK_THAT(cli::letter_json(letter, cli::WithPayload::as_it_is),
             Catch::EndsWith("\"base64\":\"/w==\"}\n"));
}

TEST_CASE("the routes of a letter are those that lead its message to its handler now") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "hub.yaml")
      << "sources: { in: { fifo: in } }\n"
         "handlers: { one: { plugin: print }, two: { plugin: print } }\n"
         "routes:\n"
         "  - { name: orders, from: in, match: { text: { prefix: o } }, to: [one, two] }\n"
         "  - { name: all, from: in, to: one }\n";
  kit::Console console;
  const std::string order = "order", other = "x";
  deliver::DeadLetter letter{.source = "in", .handler = "one"};
  letter.payload = std::as_bytes(std::span(order));
  const auto routes = [&] { return cli::routes_of(letter, folder / "hub.yaml", console.streams); };
  CHECK(routes() == std::vector<std::string>{"orders", "all"});
  letter.handler = "two";
  CHECK(routes() == std::vector<std::string>{"orders"});
  letter.payload = std::as_bytes(std::span(other));
  CHECK(routes().empty());
  letter.handler = "three";
  CHECK(routes().empty());
}
