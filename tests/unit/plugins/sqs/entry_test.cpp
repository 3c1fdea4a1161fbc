// SPDX-License-Identifier: Apache-2.0
#include "sqs/entry.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using standpipe::testing::Message;
using standpipe::testing::Options;

Entry made(Options options, const Message& message, std::size_t bytes_max = 1000,
           bool is_fifo = false) {
  options.try_emplace("queue", "q");
  options.try_emplace("region", "us-east-1");
  const bridge::Given given(options);
  const SendSettings settings(given, is_fifo);
  return EntryMaker(settings, is_fifo).make(*bridge::Seen(message), bytes_max);
}

}  // namespace

TEST_CASE("a text is the body, and another payload is base64 with an attribute that says so") {
  CHECK(made({}, {"a\"b"}).json == R"("MessageBody":"a\"b")");
  CHECK(
      made({}, {"\xff"}).json ==
      R"("MessageBody":"/w==","MessageAttributes":{"encoding":{"DataType":"String","StringValue":"base64"}})");
  CHECK(made({{"body_encoding", "base64"}}, {"foo"}).json.starts_with(R"("MessageBody":"Zm9v",)"));
  CHECK_THROWS_WITH(made({{"body_encoding", "text"}}, {"\xff"}), Catch::Contains("body_encoding"));
}

TEST_CASE("metadata are attributes, String where SQS takes the value as text, else Binary") {
  const Message message{
      "x", 7, 0, {{"device", "d7"}, {"raw", "\xff"}, {"empty", ""}, {"sqs.message_id", "m"}}};
  CHECK(
      made({}, message).json ==
      R"("MessageBody":"x","MessageAttributes":{"device":{"DataType":"String","StringValue":"d7"},)"
      R"("raw":{"DataType":"Binary","BinaryValue":"/w=="}})");
  CHECK(made({{"metadata", "[device]"}}, message).json.find("raw") == std::string::npos);
  CHECK(made({{"metadata", "[]"}}, message).json == R"("MessageBody":"x")");
  CHECK(made({{"metadata", "[]"}, {"message_attributes", "{id: {source}:{sequence}}"}}, message)
            .json.find(R"("StringValue":"in:7")") != std::string::npos);
}

TEST_CASE("body, names, types and values count, and what is above the limit is rejected with it") {
  const Message message{"12345", 7, 0, {{"ab", "cde"}}};
  CHECK(made({}, message).bytes == 5 + 2 + 6 + 3);  // "String"
  CHECK(made({}, message, 16).bytes == 16);
  CHECK_THROWS_WITH(made({}, message, 15),
                    Catch::Contains("16 bytes") && Catch::Contains("takes 15"));
}

TEST_CASE("what SQS never takes is rejected with the limit named") {
  Message many{"x", 7, 0, {}};
  for (int i = 0; i < 11; ++i) many.meta.emplace_back("a" + std::to_string(i), "v");
  CHECK_THROWS_WITH(made({}, many), Catch::Contains("11 attributes, and SQS takes 10"));
  CHECK_THROWS_WITH(made({}, {"x", 7, 0, {{"a b", "v"}}}), Catch::Contains("called 'a b'"));
}

TEST_CASE("a FIFO queue has a group and an id, which are of the message or of its place") {
  const auto plain = made({}, {"x", 7, 9}, 1000, true);
  CHECK(plain.group == "in");
  CHECK(plain.json.find(R"("MessageGroupId":"in","MessageDeduplicationId":"in:7:9")") !=
        std::string::npos);
  const Options own{{"message_group_id", "{json:/d}"}, {"message_deduplication_id", "{json:/id}"}};
  CHECK(made(own, {R"({"d":"d7","id":3})"}, 1000, true)
            .json.find(R"("MessageGroupId":"d7","MessageDeduplicationId":"3")") !=
        std::string::npos);
  CHECK_THROWS_WITH(made(own, {"plain"}, 1000, true), Catch::Contains("message_group_id"));
  CHECK_THROWS_WITH(made(own, {R"({"d":"a b","id":3})"}, 1000, true), Catch::Contains("1 to 128"));
  CHECK(made({{"message_deduplication_id", ""}}, {"x"}, 1000, true).json.find("Deduplication") ==
        std::string::npos);
}
