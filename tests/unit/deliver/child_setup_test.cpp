// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_setup.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using deliver::ChildSetup;

TEST_CASE("a child is told everything as the worker has it") {
  ChildSetup setup{.handler = "it",
                   .id = 7,
                   .plugin = "/lib/it.so",
                   .sha256 = "0123456789abcdef",
                   .declared = "a 1\nb 2\n",
                   .values = {{.type = STANDPIPE_INTEGER, .is_set = true, .integer = -5},
                              {.type = STANDPIPE_FLOAT, .is_set = true, .real = -0.1},
                              {.type = STANDPIPE_SECRET, .is_set = true, .text = "a\nb\0c"},
                              {.type = STANDPIPE_MAP, .items = {{"k", "v"}, {"", "w 2\n"}}}},
                   .memory_max = 1ull << 40,
                   .user = "nobody",
                   .run = "1a2b",
                   .worker = 1234,
                   .messages_offset = 4096,
                   .messages_bytes = 1ull << 33};
  const auto file = setup.write();
  const auto read = ChildSetup::read(file.get());
  CHECK(read.handler == "it");
  CHECK(read.id == 7);
  CHECK(read.plugin == setup.plugin);
  CHECK(read.sha256 == setup.sha256);
  CHECK(read.declared == setup.declared);
  CHECK(read.memory_max == setup.memory_max);
  CHECK(read.user == "nobody");
  CHECK(read.run == "1a2b");
  CHECK(read.worker == 1234);
  CHECK(read.messages_offset == 4096);
  CHECK(read.messages_bytes == setup.messages_bytes);
  REQUIRE(read.values.size() == setup.values.size());
  for (std::size_t i = 0; i < read.values.size(); ++i) {
    CHECK(read.values[i].type == setup.values[i].type);
    CHECK(read.values[i].is_set == setup.values[i].is_set);
    CHECK(read.values[i].integer == setup.values[i].integer);
    CHECK(read.values[i].real == setup.values[i].real);
    CHECK(read.values[i].text == setup.values[i].text);
    CHECK(read.values[i].items == setup.values[i].items);
  }
}

TEST_CASE("a plugin with other options is another plugin") {
  plugin::Plugin one;
  one.options = {{.type = STANDPIPE_INTEGER, .name = "at"}};
  auto other = ChildSetup::declaration(one);
  CHECK(ChildSetup::declaration(one) == other);
  one.options[0].type = STANDPIPE_STRING;
  CHECK(ChildSetup::declaration(one) != other);
}
