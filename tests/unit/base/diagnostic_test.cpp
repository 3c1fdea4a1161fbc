// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <catch2/catch.hpp>

using namespace standpipe;

TEST_CASE("a mistake is shown with its place, a caret and the remedy") {
  const Diagnostic d{.code = "unknown-handler",
                     .message = "unknown handler 'biling'",
                     .place = Location{"orders.yaml", 19, 9, 6, "    to: biling"},
                     .label = "did you mean 'billing'?",
                     .help = {"declare it under handlers:"}};
  CHECK(render(d, false) ==
        "error: unknown handler 'biling'\n"
        "  --> orders.yaml:19:9\n"
        "   |\n"
        "19 |     to: biling\n"
        "   |         ^^^^^^ did you mean 'billing'?\n"
        "  help: declare it under handlers:\n");
}

TEST_CASE("carets follow display width") {
  const Diagnostic d{
      .code = "", .message = "m", .place = Location{"f", 1, 3, 2, "\xe6\xbc\xa2\xe5\xad\x97xy"}};
  CHECK(render(d, false) ==
        "error: m\n --> f:1:3\n  |\n1 | \xe6\xbc\xa2\xe5\xad\x97xy\n  |     ^^\n");
}

TEST_CASE("a very long line is cut around the caret") {
  const Diagnostic d{
      .code = "",
      .message = "m",
      .place = Location{"f", 1, 501, 3, std::string(500, 'a') + "bad" + std::string(500, 'c')}};
  const auto text = render(d, false);
  CHECK(text.size() < 300);
  CHECK(text.find("...aaa") != std::string::npos);
  CHECK(text.find("bad") != std::string::npos);
}

TEST_CASE("programs get one JSON object a line") {
  const Diagnostic d{
      .code = "c", .message = "a \"b\"", .place = Location{"f", 2, 3, 1, "x"}, .help = {"h"}};
  CHECK(render_json(d) ==
        "{\"severity\":\"error\",\"code\":\"c\",\"message\":\"a "
        "\\\"b\\\"\",\"file\":\"f\",\"line\":2,\"column\":3,\"width\":1,"
        "\"notes\":[],\"help\":[\"h\"]}\n");
}
