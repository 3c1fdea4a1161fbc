// SPDX-License-Identifier: Apache-2.0
#include "kafka/outgoing.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using kafka::Outgoing;
using standpipe::testing::Message;
using standpipe::testing::Options;

struct Made {
  std::string topic, key;
  bridge::Pairs headers;
  bool is_tombstone;
};

Made made(Options options, const Message& message) {
  options.try_emplace("bootstrap_servers", "[a:1]");
  options.try_emplace("topic", "t");
  const bridge::Given given(options);
  Outgoing outgoing(given);
  outgoing.make(*bridge::Seen(message));
  Made out{outgoing.topic(), outgoing.key(), {}, outgoing.is_tombstone()};
  const auto headers = outgoing.take_headers();
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; headers && rd_kafka_header_get_all(headers.get(), i, &name, &value,
                                                             &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i)
    out.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
  return out;
}

}  // namespace

TEST_CASE("topic and key are templates, and what they lack is a reason to reject the message") {
  const Options options{{"topic", "t-{json:/kind}"}, {"key", "{json:/id|none}"}};
  const auto it = made(options, {R"({"kind":"x","id":7})"});
  CHECK((it.topic == "t-x" && it.key == "7"));
  CHECK(made(options, {R"({"kind":"x"})"}).key == "none");
  CHECK_THROWS_WITH(made(options, {"plain"}), Catch::Contains("topic: its payload is no JSON"));
  CHECK_THROWS_WITH(made(options, {R"({"kind":"a/b"})"}), Catch::Contains("topic 't-a/b'"));
}

TEST_CASE("metadata are headers, but for where a record was, and what an option gives anew") {
  const Message message{
      "x",
      7,
      0,
      {{"device", "d7"}, {"key", "k"}, {"topic", "old"}, {"offset", "9"}, {"host", "h"}}};
  const Options options{{"headers", "{host: web-1}"}, {"id_header", "id"}};
  CHECK(made(options, message).headers ==
        bridge::Pairs{{"host", "web-1"}, {"id", "in:7"}, {"device", "d7"}});
  CHECK(made({{"metadata", "false"}}, message).headers.empty());
}

TEST_CASE("an empty message is a tombstone only if its metadata says so") {
  CHECK(made({}, {"", 1, 0, {{"tombstone", "true"}}}).is_tombstone);
  CHECK_FALSE(made({}, {"", 1}).is_tombstone);
  CHECK_FALSE(made({}, {"x", 1, 0, {{"tombstone", "true"}}}).is_tombstone);
}
