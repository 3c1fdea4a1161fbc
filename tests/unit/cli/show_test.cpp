// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include <catch2/catch.hpp>

#include "console.h"

using namespace standpipe;
using namespace standpipe::cli;

namespace {

std::string shown(std::string_view payload, Format format) {
  kit::Console c;
  show_payload(c.streams.out, payload, format);
  c.streams.out.flush();
  return c.out();
}

}  // namespace

TEST_CASE("a payload is shown in each format") {
  CHECK(shown("two\nlines", Format::text) == "two\nlines\n");
  CHECK(shown("two\nlines", Format::raw) == "two\nlines");
  CHECK(shown("caf\xc3\xa9\n", Format::json) == "{\"size\":6,\"text\":\"caf\xc3\xa9\\n\"}\n");
  CHECK(shown(std::string_view("\xff\0", 2), Format::json) == "{\"size\":2,\"base64\":\"/wA=\"}\n");
  CHECK(shown("", Format::json) == "{\"size\":0,\"text\":\"\"}\n");
  CHECK(shown("0123456789abcdefg\n", Format::hex) ==
        "18 bytes\n"
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "00000010  67 0a                                             |g.|\n");
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xfb\xff\xfe") == "+//+");
}

TEST_CASE("columns line up by what is seen") {
  CHECK(table_text({{"NAME", "WHAT"}, {"\xe6\xbc\xa2", "wide"}, {"longer", "x"}}) ==
        "NAME    WHAT\n\xe6\xbc\xa2      wide\nlonger  x\n");
}

TEST_CASE("others' texts cannot rewrite the screen, and keep their backslashes") {
  CHECK(printable("a \\n b\x1b[2J\\") == "a \\n b\\x1b[2J\\");
  CHECK(printable_lines("one\n\ntwo\x07", "  ") == "  one\n\n  two\\x07\n");
}

TEST_CASE("words are quoted for a shell when they must be") {
  CHECK(shell_quoted("/tmp/a-b_c.yaml") == "/tmp/a-b_c.yaml");
  CHECK(shell_quoted("/tmp/a b") == "'/tmp/a b'");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("") == "''");
}
