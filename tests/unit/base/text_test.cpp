// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE("sizes need a unit and are exact") {
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("10MB") == 10'000'000);
  CHECK(parse_size("1.5MiB") == 1572864);
  CHECK(parse_size("0") == 0);
  CHECK_FALSE(parse_size("64"));
  CHECK_FALSE(parse_size("64 kib"));
  CHECK_FALSE(parse_size("-1KiB"));
  CHECK_FALSE(parse_size("99999999999999999999GiB"));
  CHECK(size_text(65536) == "64KiB");
  CHECK(size_text(1500) == "1500B");
}

TEST_CASE("durations need a unit") {
  CHECK(parse_duration("10s") == Nanoseconds(10s));
  CHECK(parse_duration("250ms") == Nanoseconds(250ms));
  CHECK_FALSE(parse_duration("10"));
  CHECK_FALSE(parse_duration("1e9s"));
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(120s) == "2m");
}

TEST_CASE("a payload cannot rewrite the screen") {
  CHECK(escaped("a\nb\t\x1b[2J") == "a\\nb\\t\\x1b[2J");
  CHECK(escaped("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(escaped("\xff\xfe") == "\\xff\\xfe");
  CHECK(escaped("\xe2\x80\xae"
                "evil") ==
        "\\xe2\\x80\\xae"
        "evil");
  CHECK(escaped("\xef\xbf\xbe\xef\xbf\xbd") == "\\xef\\xbf\\xbe\xef\xbf\xbd");  // XML has no U+FFFE
  CHECK(json_string("a\"b\\\x01\xff") == "\"a\\\"b\\\\\\u0001\xef\xbf\xbd\"");
}

TEST_CASE("numbers read easily") {
  CHECK(thousands(1819043176) == "1,819,043,176");
  CHECK(thousands(12) == "12");
  CHECK(counted(1, "message") == "1 message");
  CHECK(counted(2, "retry", "retries") == "2 retries");
}

TEST_CASE("a near name is proposed, a far one is not") {
  CHECK(nearest("biling", {"archive", "billing", "screen"}) == "billing");
  CHECK(nearest("hadnlers", {"sources", "handlers"}) == "handlers");
  CHECK_FALSE(nearest("kafka", {"archive", "billing", "screen"}));
  CHECK_FALSE(nearest("x", {"y"}));
}

TEST_CASE("the first byte that is not UTF-8 is found") {
  CHECK_FALSE(first_bad_utf8("plain \xf0\x9f\x98\x80"));
  CHECK(first_bad_utf8("ab\xc0\xaf") == 2);
  CHECK(first_bad_utf8("a\xed\xa0\x80") == 1);
  CHECK(first_bad_utf8("\xe2\x82") == 0);
}

TEST_CASE("what was escaped is not escaped again, and what was not is") {
  CHECK(escaped_once("a\\nb") == "a\\nb");
  CHECK(escaped_once("a\x1b[2J") == "a\\x1b[2J");
  CHECK(escaped("a\\nb") == "a\\\\nb");
}
