// SPDX-License-Identifier: Apache-2.0
#include "common/message_name.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>

namespace {

std::string name_of(std::uint64_t sequence, std::uint64_t time) {
  standpipe_message message{};
  message.sequence = sequence;
  message.time = time;
  standpipe_batch batch{};
  batch.size = sizeof batch;
  batch.stride = sizeof message;
  batch.source = {"in", 2};
  return common::message_name(standpipe::Message(message, batch));
}

}  // namespace

TEST_CASE("a message's name is another one in the next run, whose sequences begin anew") {
  ::setenv("STANDPIPE_RUN", "1a2b", 1);
  CHECK(name_of(7, 255) == "in:7:ff:1a2b");
  CHECK(name_of(7, 255) == name_of(7, 255));
  CHECK(name_of(8, 255) != name_of(7, 255));
  CHECK(name_of(7, 256) != name_of(7, 255));
  ::setenv("STANDPIPE_RUN", "1a2c", 1);
  CHECK(name_of(7, 255) == "in:7:ff:1a2c");
  ::unsetenv("STANDPIPE_RUN");
  CHECK(name_of(7, 255) == "in:7:ff");
}
