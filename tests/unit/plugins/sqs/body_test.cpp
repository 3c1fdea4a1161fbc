// SPDX-License-Identifier: Apache-2.0
#include "sqs/body.h"

#include <catch2/catch.hpp>
#include <string>

using Text = std::string;

TEST_CASE("SQS takes UTF-8 without control characters, and not nothing") {
  for (const auto& text :
       {Text("a"), Text("straße €"), Text("tab\tnewline\r\n"), Text("\U0001F600")})
    CHECK(is_sqs_text(text));
  for (const auto& text : {Text(), Text("\x01"), Text("a\0", 2), Text("\xff"), Text("\xef\xbf\xbe"),
                           Text("\xef\xbf\xbf"), Text("\xed\xa0\x80")}) {
    INFO(text);
    CHECK_FALSE(is_sqs_text(text));
  }
}

TEST_CASE("names of attributes are SQS's, and not AWS's own") {
  for (const auto& name : {Text("a"), Text("Trace-Id_1.x"), Text(256, 'x'), Text("awsome")})
    CHECK(is_attribute_name(name));
  for (const auto& name :
       {Text(), Text(257, 'x'), Text(".a"), Text("a."), Text("a..b"), Text("a b"), Text("ä"),
        Text("AWS.x"), Text("aws.x"), Text("Amazon.x")}) {
    INFO(name);
    CHECK_FALSE(is_attribute_name(name));
  }
}

TEST_CASE("base64 is that of RFC 4648, both ways") {
  const std::pair<Text, Text> vectors[] = {{"f", "Zg=="},         {"fo", "Zm8="},
                                           {"foo", "Zm9v"},       {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(to_base64(plain) == encoded);
    CHECK(from_base64_body(encoded) == plain);
  }
  Text all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(from_base64_body(to_base64_body(all)) == all);
  CHECK(to_base64_body("") == "\n");
  CHECK(from_base64_body("\n") == "");
  CHECK(from_base64_body(" Zm9v\r\nYmFy ") == "foobar");
}

TEST_CASE("what is no base64 is left as it is") {
  for (const auto* wrong : {"Zg", "Zg=", "Z===", "=Zg=", "Zm9v!", "Zg==Zg==", "Zm9vY", "ä"}) {
    INFO(wrong);
    CHECK_FALSE(from_base64_body(wrong));
  }
}
