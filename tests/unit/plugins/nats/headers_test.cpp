// SPDX-License-Identifier: Apache-2.0
#include "nats/headers.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bridge.h"
#include "nats/requests.h"

using namespace nats;
using namespace std::chrono_literals;

namespace {

Owned<natsMsg> message() {
  static const auto opened = nats_Open(-1);  // as a connection does
  REQUIRE(opened == NATS_OK);
  natsMsg* made = nullptr;
  REQUIRE(natsMsg_Create(&made, "subject", nullptr, "x", 1) == NATS_OK);
  return Owned<natsMsg>(made);
}

// What the server says about a request.
std::string status(Requests& requests, const bridge::Pairs& headers) {
  const auto it = message();
  for (const auto& [name, value] : headers) add_header(it.get(), name, value);
  return requests.status(it.get());
}

}  // namespace

TEST_CASE("headers are read as they were added, also several of a name") {
  const auto it = message();
  add_header(it.get(), "Color", "red");
  add_header(it.get(), "Color", "blue");
  add_header(it.get(), "Empty", "");
  std::vector<standpipe::Pair> read;
  read_headers(it.get(), read);
  auto pairs = bridge::pairs(read);
  std::sort(pairs.begin(), pairs.end());
  CHECK(pairs == bridge::Pairs{{"Color", "blue"}, {"Color", "red"}, {"Empty", ""}});
  std::vector<standpipe::Pair> none;
  read_headers(message().get(), none);
  CHECK(none.empty());
}

TEST_CASE("what would end a header's line is rejected, with what to do") {
  const auto it = message();
  for (const auto& name : {std::string(), std::string("a b"), std::string("a:b"), std::string("ä")})
    CHECK_THROWS_WITH(add_header(it.get(), name, "v"), Catch::Contains("metadata: false"));
  for (const auto& value : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3)})
    CHECK_THROWS_WITH(add_header(it.get(), "Name", value), Catch::Contains("a NATS header cannot"));
}

TEST_CASE("what a source says, and what tells the server something, is no header") {
  for (const auto* name : {"Nats-Msg-Id", "Nats-Rollup", "subject", "stream", "num_delivered"})
    CHECK(is_left_out(name));
  CHECK_FALSE(is_left_out("Device"));
}

TEST_CASE("a request follows when half of the last one is used up, and says its bounds") {
  Requests requests({100, 1 << 20});
  const auto now = Requests::Clock::now();
  CHECK(requests.wanted() == 100);
  const auto body = requests.ask(100, now);
  CHECK(body == R"({"batch":100,"max_bytes":1048576,"expires":20000000000})");
  for (int i = 0; i < 49; ++i) requests.received();
  CHECK(requests.wanted() == 0);
  requests.received();
  CHECK(requests.wanted() == 50);
  CHECK_FALSE(requests.is_silent(now + 29s));
  CHECK(requests.is_silent(now + 31s));
}

TEST_CASE("a request that ends says how many will not come, and a consumer that is gone is told") {
  Requests requests({100, 1 << 20});
  requests.ask(100, Requests::Clock::now());
  CHECK(status(requests, {{"Status", "408"}, {"Nats-Pending-Messages", "60"}}).empty());
  CHECK(requests.wanted() == 60);
  requests.ask(60, Requests::Clock::now());
  CHECK(status(requests, {{"Status", "100"}}).empty());  // a heartbeat
  CHECK(requests.wanted() == 0);
  CHECK(status(requests, {{"Status", "409"}, {"Description", "Consumer Deleted"}}) ==
        "the server ended the request: Consumer Deleted");
}
