// SPDX-License-Identifier: Apache-2.0
#include "keeper/successor.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <sstream>
#include <string>

#include "keeper/manager.h"
#include "keeper/toy_keeper.h"

using Catch::Matchers::Contains;
using test::ToyKeeper;

namespace {

// How often a line begins so in the workers' log.
std::size_t count(const std::string& log, const std::string& begin) {
  std::istringstream lines(log);
  std::size_t n = 0;
  for (std::string line; std::getline(lines, line);) n += line.starts_with(begin);
  return n;
}

}  // namespace

TEST_CASE("a worker becomes the next one in its own process, with all that is kept") {
  ToyKeeper toy({"hold a; hold b; hold c; forget c; pid; ready; succeed", "pid; ready; succeed",
                 "take a; take b; take c; pid; ready; done"});
  CHECK(toy.run() == 0);
  const auto pid = "pid " + std::to_string(toy.worker()) + '\n';
  CHECK(toy.log() ==
        "start\n" + pid + "start\n" + pid + "start\ntook a: a\ntook b: b\ntook c: nothing\n" + pid);
  CHECK(toy.reported().empty());
}

TEST_CASE("what a worker changed of its process, and left in it, its successor does not have") {
  ToyKeeper toy({"change_process; process; ready; succeed", "process; ready; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() ==
        "start\nprocess variable umask folder signal alarm descriptor child \nstart\nprocess \n");
}

TEST_CASE("a succession is no death") {
  ToyKeeper toy({"memory; ready; retire", "memory; deaths; ready; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nstart\ndeaths 0, 0\n");
  CHECK(toy.reported().empty());
}

TEST_CASE("a worker that dies after it became the next one is followed by another") {
  ToyKeeper toy({"hold a; memory; ready; succeed", "take a; memory; kill",
                 "take a; memory; deaths; ready; done"});
  CHECK(toy.run() == 0);
  CHECK(count(toy.log(), "took a: a") == 2);
  CHECK_THAT(toy.log(), Contains("deaths 1, 9\n"));
}

TEST_CASE("what was asked of a worker and not answered is asked of what it becomes") {
  ToyKeeper toy({"memory; ready; say waiting; pause 500; succeed", "memory; ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("waiting"));
  toy.send(SIGUSR1);
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(count(toy.log(), "asked: reopen stop") == 1);
}

TEST_CASE("what was answered before is not asked again of what the worker becomes") {
  ToyKeeper toy({"memory; ready; say waiting; quiet 2000; succeed",
                 "memory; ready; say next; quiet 300; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("waiting"));
  toy.send(SIGHUP);
  REQUIRE(toy.wait_for_log("next"));
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(count(toy.log(), "asked: reload") == 1);
  CHECK(count(toy.log(), "quiet") == 1);
}

TEST_CASE("deaths with a configuration that is tried are not deaths without progress") {
  std::vector<std::string> scripts(12, "memory; keep configuration-tried; kill");
  scripts.emplace_back("memory; forget configuration-tried; deaths; ready; done");
  ToyKeeper toy(scripts);
  CHECK(toy.run() == 0);
  CHECK_THAT(toy.log(), Contains("deaths 12, 9\n"));
  CHECK_THAT(toy.reported(), Contains("with the configuration that was in force before"));
}

TEST_CASE(
    "whoever goes back after a trial does not try: its deaths count, and the keeper gives up") {
  for (const auto* trial :
       {"memory; keep configuration-tried; retire", "memory; keep configuration-tried; kill"}) {
    ToyKeeper toy({"memory; ready; succeed", trial, "memory; until 30; kill"});
    CHECK(toy.run() == 1);
    CHECK(toy.workers() == 12);
    CHECK_THAT(toy.reported(), Contains("(9 of 10 without progress)"));
  }
}

TEST_CASE("a first worker cannot retire") {
  ToyKeeper toy({"retire"});
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 1);
}
