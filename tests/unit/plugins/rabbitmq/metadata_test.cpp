// SPDX-License-Identifier: Apache-2.0
#include "rabbitmq/metadata.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bridge.h"

namespace {

amqp_table_entry_t entry(const char* name, amqp_field_value_kind_t kind) {
  amqp_table_entry_t it{};
  it.key = amqp_cstring_bytes(name);
  it.value.kind = static_cast<std::uint8_t>(kind);
  return it;
}
amqp_table_entry_t text(const char* name, const char* value) {
  auto it = entry(name, AMQP_FIELD_KIND_UTF8);
  it.value.value.bytes = amqp_cstring_bytes(value);
  return it;
}
amqp_table_entry_t integer(const char* name, std::int32_t value) {
  auto it = entry(name, AMQP_FIELD_KIND_I32);
  it.value.value.i32 = value;
  return it;
}

amqp_basic_deliver_t deliver() {
  amqp_basic_deliver_t it{};
  it.exchange = amqp_cstring_bytes("events");
  it.routing_key = amqp_cstring_bytes("a.b");
  it.redelivered = true;
  return it;
}

bridge::Pairs pairs(const amqp_basic_properties_t& properties) {
  const Metadata metadata(deliver(), properties);
  std::vector<standpipe::Pair> out;
  metadata.append_to(out);
  return bridge::pairs(out);
}

const bridge::Pairs kHowItCame = {
    {"exchange", "events"}, {"routing_key", "a.b"}, {"redelivered", "true"}};

bridge::Pairs with(bridge::Pairs headers, bridge::Pairs properties = {}) {
  headers.insert(headers.end(), kHowItCame.begin(), kHowItCame.end());
  headers.insert(headers.end(), properties.begin(), properties.end());
  return headers;
}

}  // namespace

TEST_CASE("properties that a message has are metadata, and those that it has not are none") {
  amqp_basic_properties_t properties{};
  CHECK(pairs(properties) == kHowItCame);
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                      AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_TIMESTAMP_FLAG;
  properties.content_type = amqp_cstring_bytes("text/plain");
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.priority = 9;
  properties.timestamp = 1700000000;
  properties.app_id = amqp_cstring_bytes("not flagged");
  CHECK(pairs(properties) == with({}, {{"content_type", "text/plain"},
                                       {"delivery_mode", "persistent"},
                                       {"priority", "9"},
                                       {"timestamp", "1700000000"}}));
}

TEST_CASE("headers are texts, and what is nested is JSON") {
  std::array inner = {text("reason", "re\"jected\n"), integer("count", -3)};
  std::array<amqp_field_value_t, 2> list = {inner[1].value, inner[0].value};
  auto table = entry("x-death", AMQP_FIELD_KIND_TABLE);
  table.value.value.table = {static_cast<int>(inner.size()), inner.data()};
  auto array = entry("list", AMQP_FIELD_KIND_ARRAY);
  array.value.value.array = {static_cast<int>(list.size()), list.data()};
  auto flag = entry("hot", AMQP_FIELD_KIND_BOOLEAN);
  flag.value.value.boolean = 1;
  auto decimal = entry("price", AMQP_FIELD_KIND_DECIMAL);
  decimal.value.value.decimal = {2, 5};
  std::array headers = {text("device", "d7"),
                        integer("level", -3),
                        flag,
                        decimal,
                        table,
                        array,
                        text("", "has no name"),
                        entry("void", AMQP_FIELD_KIND_VOID)};
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {static_cast<int>(headers.size()), headers.data()};
  CHECK(pairs(properties) == with({{"device", "d7"},
                                   {"level", "-3"},
                                   {"hot", "true"},
                                   {"price", "0.05"},
                                   {"x-death", R"({"reason":"re\"jected\u000a","count":-3})"},
                                   {"list", R"([-3,"re\"jected\u000a"])"},
                                   {"void", ""}}));
}

TEST_CASE("a header that is called like a property stands before it, so the property counts") {
  std::array headers = {text("routing_key", "forged")};
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, headers.data()};
  CHECK(pairs(properties) == with({{"routing_key", "forged"}}));
}
