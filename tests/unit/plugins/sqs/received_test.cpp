// SPDX-License-Identifier: Apache-2.0
#include "sqs/received.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

const std::string kAnswer = R"({"Messages":[
  {"MessageId":"m1","ReceiptHandle":"r1","Body":"/w==",
   "Attributes":{"SentTimestamp":"1700","ApproximateReceiveCount":"2","MessageGroupId":"g"},
   "MessageAttributes":{"encoding":{"DataType":"String","StringValue":"base64"},
                        "raw":{"DataType":"Binary","BinaryValue":"AP8="},
                        "n":{"DataType":"Number","StringValue":"7"}}},
  {"MessageId":"m2","ReceiptHandle":"r2","Body":"Zm9v \u20ac"}]})";

std::vector<ReceivedMessage> read(const std::string& json, Encoding encoding) {
  JsonReader reader;
  return received_messages(reader.read(json), encoding);
}

}  // namespace

TEST_CASE("a body is decoded where its attribute says so, and the attribute is no metadata") {
  const auto messages = read(kAnswer, Encoding::automatic);
  REQUIRE(messages.size() == 2);
  CHECK((messages[0].payload == "\xff" && messages[0].receipt_handle == "r1"));
  CHECK(messages[0].metadata == bridge::Pairs{{"raw", std::string("\0\xff", 2)},
                                              {"n", "7"},
                                              {"sqs.message_id", "m1"},
                                              {"sqs.sent_timestamp", "1700"},
                                              {"sqs.approximate_receive_count", "2"},
                                              {"sqs.message_group_id", "g"}});
  CHECK(messages[1].payload == "Zm9v €");
}

TEST_CASE("`text` decodes nothing, and `base64` all that can be") {
  CHECK(read(kAnswer, Encoding::text)[0].payload == "/w==");
  CHECK(read(kAnswer, Encoding::text)[0].metadata[0].first == "encoding");
  const auto all = read(R"({"Messages":[{"Body":"Zm9v"},{"Body":"not so"}]})", Encoding::base64);
  CHECK((all[0].payload == "foo" && all[1].payload == "not so"));
}

TEST_CASE("an answer without messages, an empty one and one that is no JSON have none") {
  for (const auto* json : {"{}", "", R"({"Messages":[]})", R"({"Messages":null})", "<html>", "[1"})
    CHECK(read(json, Encoding::automatic).empty());
}
