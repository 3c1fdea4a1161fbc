// SPDX-License-Identifier: Apache-2.0
#include "worker/hub_names.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace standpipe;
using worker::HubNames;

namespace {

HubNames some() {
  HubNames names;
  names.memory_max = 7;
  names.sources = {{"a", "/tmp/a"}, {"b", "/tmp/b"}};
  names.handlers = {"x", "y"};
  names.deliveries = {"a -> x", "b -> y"};
  names.queues = {"b -> y"};
  return names;
}

}  // namespace

TEST_CASE("what a configuration has is what its routes join") {
  config::HubOptions hub;
  hub.memory_max = 5;
  hub.sources = {{.name = "a", .path = "/tmp/a"}, {.name = "b", .path = "/tmp/b"}};
  hub.handlers.resize(3);
  hub.handlers[0].name = "x", hub.handlers[1].name = "y", hub.handlers[2].name = "rest";
  hub.routes = {{.name = "1", .from = {0, 1}, .to = {0}}, {.name = "2", .from = {0}, .to = {0, 1}}};
  hub.handlers[1].queue.type = deliver::QueueOptions::Type::disk;
  hub.handlers[2].queue.type = deliver::QueueOptions::Type::memory;
  hub.unmatched = 2;
  const auto names = HubNames::of(hub);
  CHECK(names.memory_max == 5);
  CHECK(names.sources.at("b") == "/tmp/b");
  CHECK(names.handlers == std::set<std::string>{"rest", "x", "y"});
  CHECK(names.deliveries ==
        std::set<std::string>{"a -> rest", "a -> x", "a -> y", "b -> rest", "b -> x"});
  CHECK(names.queues == std::set<std::string>{"a -> y"});
}

TEST_CASE("what is written is read") {
  Parts parts;
  some().write(parts);
  const auto read = HubNames::read(parts);
  CHECK(read.memory_max == 7);
  CHECK(read.sources == some().sources);
  CHECK(read.handlers == some().handlers);
  CHECK(read.deliveries == some().deliveries);
  CHECK(read.queues == some().queues);
}

TEST_CASE("a source with another name and the same FIFO is renamed, and does not leave") {
  auto next = some();
  next.sources = {{"a", "/tmp/a"}, {"c", "/tmp/b"}};
  CHECK(some().renamed_in(next) == std::map<std::string, std::string>{{"b", "c"}});
  CHECK(some().leaving_in(next).sources.empty());
}

TEST_CASE("a source whose FIFO another one takes over leaves, if that one was there before") {
  auto next = some();
  next.sources = {{"a", "/tmp/b"}};
  CHECK(some().renamed_in(next).empty());
  CHECK(some().leaving_in(next).sources == std::vector<std::string>{"b"});
}

TEST_CASE("a handler with another name leaves") {
  auto next = some();
  next.handlers = {"x", "z"};
  CHECK(some().leaving_in(next).handlers == std::vector<std::string>{"y"});
}
