// SPDX-License-Identifier: Apache-2.0
#include "keeper/keeper.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "keeper/manager.h"
#include "keeper/toy_keeper.h"

using test::ToyKeeper;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

TEST_CASE("a killed worker's successor gets every descriptor that was kept") {
  ToyKeeper toy({"keep a; keep b; keep c; keep b; forget c; ready; kill",
                 "take a; take b; take c; take a; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nstart\ntook a: a\ntook b: b\ntook c: nothing\ntook a: nothing\n");
}

TEST_CASE("what a worker took stays kept for the next") {
  ToyKeeper toy({"keep a; ready; kill", "take a; kill", "take a; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nstart\ntook a: a\nstart\ntook a: a\n");
}

TEST_CASE("a descriptor sent right before the kill is kept") {
  ToyKeeper toy({"ready; keep_unanswered last; kill", "take last; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nstart\ntook last: last\n");
}

TEST_CASE("all that a worker said before it died is heard, however much the keeper is behind") {
  ToyKeeper toy(
      {"ready; stop_keeper; keep_many_unanswered 100; say sent; kill", "take_many 100; done"});
  toy.start();
  REQUIRE(toy.wait_for_log("sent"));
  std::this_thread::sleep_for(100ms);
  toy.send(SIGCONT);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nsent\nstart\ntook 100, left 0\n");
}

TEST_CASE("600 descriptors are kept and inherited") {
  ToyKeeper toy({"keep_many 600; ready; kill", "take_many 600; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nstart\ntook 600, left 0\n");
}

TEST_CASE("memory whose numbers cannot be valid is refused") {
  ToyKeeper toy({"keep_bad_memory; ends 3"});
  CHECK(toy.run() == 3);
  CHECK_THAT(toy.log(), Contains("does not keep 'memory': this is not the memory of a worker: its "
                                 "first bytes are others"));
}

TEST_CASE("deaths are counted in the memory") {
  ToyKeeper toy(
      {"memory; ready; kill 12", "memory; deaths; done"});  // one that sanitizers leave alone
  CHECK(toy.run() == 0);
  CHECK_THAT(toy.log(), Contains("deaths 1, 12"));
  CHECK_THAT(toy.reported(), Contains("the worker died (SIGUSR2") &&
                                 Contains("; starting a new one (1 of 10 without progress)"));
}

TEST_CASE("progress resets the back-off count") {
  ToyKeeper toy({"memory; until 15; progress; ready; kill"});
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 15);
}

TEST_CASE("the keeper's descriptors do not grow with the workers") {
  ToyKeeper toy({"memory; until 15; progress; ready; keep a; keeper_descriptors; kill"});
  CHECK(toy.run() == 0);
  std::set<std::string> counts;
  std::istringstream lines(toy.log());
  for (std::string line; std::getline(lines, line);)
    if (line != "start") counts.insert(line);
  CHECK(counts.size() == 1);
}

TEST_CASE("it gives up after ten deaths without progress and runs the spill") {
  ToyKeeper toy({"memory; ready; kill"});
  CHECK(toy.run() == 1);
  CHECK(toy.workers() == 10);
  CHECK_THAT(toy.log(), EndsWith("start\nspill\n"));
  CHECK_THAT(toy.reported(), Contains("the worker died 10 times without progress: the hub stops; "
                                      "what waited in memory is saved"));
}

TEST_CASE("a spill that fails is reported") {
  ToyKeeper toy({"memory; ready; kill"});
  toy.options().spill_arguments.back() = "spill; exit 5";
  CHECK(toy.run() == 1);
  CHECK_THAT(toy.reported(), Contains("what waited in memory could not be saved (status 5)"));
  CHECK_THAT(toy.log(), EndsWith("spill\ndump\n"));
}

TEST_CASE("what cannot even be copied is said to be lost") {
  ToyKeeper toy({"memory; ready; damaged; exit 1"});
  toy.options().dump_arguments.back() = "exit 5";
  CHECK(toy.run() == 1);
  CHECK_THAT(toy.reported(),
             Contains("nor could the memory be copied (status 5): the messages in it are lost"));
}

TEST_CASE("without memory there is nothing to spill") {
  ToyKeeper toy({"kill"});
  CHECK(toy.run() == 1);
  CHECK(toy.workers() == 10);
  CHECK_THAT(toy.log(), !Contains("spill"));
}

TEST_CASE("damaged memory is left at once, and not spilled, but copied") {
  ToyKeeper toy({"memory; ready; damaged; exit 1"});
  CHECK(toy.run() == 1);
  CHECK(toy.log() == "start\ndump\n");
}

TEST_CASE("a hang is killed and marked") {
  ToyKeeper toy({"memory; ready; call 60; serve", "memory; hung; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.log() == "start\nserving\nstart\nhung 1\n");
  CHECK_THAT(
      toy.reported(),
      Contains("handler second did not come back from a call within 60ms; the worker is killed"));
}

TEST_CASE("a call that ended, or may take for ever, is not a hang") {
  ToyKeeper toy({"memory; ready; call 60; call 60; call 0; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  std::this_thread::sleep_for(600ms);
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a successor is not killed for the call that its predecessor died in") {
  ToyKeeper toy({"memory; ready; call 60; kill", "memory; quiet 500; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 2);
}

TEST_CASE("a worker that ends with 78 before it is ready ends the keeper with 78") {
  ToyKeeper toy({"memory; ends 78; exit 78"});
  CHECK(toy.run() == 78);
  CHECK(toy.log() == "start\n");
  CHECK(toy.reported().empty());
}

TEST_CASE("status 0 without a word about stopping is a plugin's exit(), and a death") {
  ToyKeeper toy({"memory; ready; exit 0", "memory; ready; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 2);
}

TEST_CASE("SIGTERM is forwarded and status 0 passed on") {
  ToyKeeper toy({"ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nserving\nasked: stop\n");
}

TEST_CASE("SIGUSR1 and SIGHUP are told once each") {
  ToyKeeper toy({"ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGUSR1);
  REQUIRE(toy.wait_for_log("asked: reopen\n"));
  toy.send(SIGHUP);
  REQUIRE(toy.wait_for_log("asked: reload\n"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nserving\nasked: reopen\nasked: reload\nasked: stop\n");
}

TEST_CASE("a worker that dies while it stops is followed by one that is told to stop, too") {
  ToyKeeper toy({"memory; ready; die_when_asked", "memory; ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nserving\nasked: stop\nstart\nserving\nasked: stop\n");
}

TEST_CASE("a worker that is not ready yet can be stopped") {
  ToyKeeper toy({"serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a worker that a stop kills before it is ready is not followed by another") {
  ToyKeeper toy({"die_when_asked"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a stop while no worker runs spills and ends well") {
  ToyKeeper toy({"memory; ready; kill"}, 30s);
  toy.start();
  REQUIRE(toy.wait_until_reported("2 of 10"));
  toy.send(SIGINT);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nstart\nspill\n");
}

TEST_CASE("a stop that comes between two workers is told to the next, which delivers what waits") {
  ToyKeeper toy({"memory; ready; orphan stubborn; pid; kill", "memory; ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("pid "));
  const auto first = toy.worker();
  REQUIRE(test::eventually([&] { return ::kill(first, 0) != 0; }));  // its orphan lives on
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), EndsWith("start\nserving\nasked: stop\n"));
}

// Without descriptors the sanitizer of undefined behaviour cannot look at what a pointer points to,
// and reports that.
TEST_CASE("a worker that cannot be started for a while has not died, and is waited for",
          "[no-sanitizer]") {
  ToyKeeper toy({"memory; ready; pid; serve", "memory; ready; deaths; done"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.limit_descriptors(3);
  ::kill(toy.worker(), SIGKILL);
  REQUIRE(toy.wait_until_reported("cannot make a socket"));
  std::this_thread::sleep_for(1s);  // ten deaths without progress would take a third of it
  CHECK(toy.workers() == 1);
  toy.limit_descriptors(1024);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 2);
  CHECK_THAT(toy.reported(),
             Contains("; what waits is kept, and it is tried again") && !Contains("2 of 10"));
}

TEST_CASE("a stop that finds no worker, and can start none, waits until what waits can be saved",
          "[no-sanitizer]") {
  ToyKeeper toy({"memory; ready; pid; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.limit_descriptors(3);
  ::kill(toy.worker(), SIGKILL);
  REQUIRE(toy.wait_until_reported("cannot make a socket"));
  toy.send(SIGTERM);
  std::this_thread::sleep_for(200ms);
  toy.limit_descriptors(1024);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), EndsWith("spill\n"));
}

TEST_CASE("whoever else sends it, a worker does what its keeper was asked, and does it once") {
  ToyKeeper toy({"ready; pid; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT}) ::kill(toy.worker(), signal);
  std::this_thread::sleep_for(50ms);
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), EndsWith("serving\nasked: stop\n"));
}

TEST_CASE(
    "a stop that reaches both is not lost while the worker stands still, in whichever order they "
    "are sent") {
  for (const bool worker_first : {true, false}) {
    ToyKeeper toy({"ready; pid; serve"});
    toy.start();
    REQUIRE(toy.wait_for_log("serving"));
    ::kill(toy.worker(), SIGSTOP);
    for (const bool to_worker : {worker_first, !worker_first})
      to_worker ? void(::kill(toy.worker(), SIGTERM)) : toy.send(SIGTERM);
    std::this_thread::sleep_for(250ms);  // the keeper has said it more than once
    ::kill(toy.worker(), SIGCONT);
    CHECK(toy.end() == 0);
    CHECK_THAT(toy.log(), EndsWith("serving\nasked: stop\n"));
  }
}

TEST_CASE(
    "forty requests to open files anew while the worker stands still are one, after the last") {
  ToyKeeper toy({"ready; pid; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  ::kill(toy.worker(), SIGSTOP);
  for (int i = 0; i < 40; ++i) toy.send(SIGUSR1), std::this_thread::sleep_for(5ms);
  ::kill(toy.worker(), SIGCONT);
  REQUIRE(toy.wait_for_log("asked: reopen\n"));
  std::this_thread::sleep_for(250ms);
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), Contains("serving\nasked: reopen\n") && EndsWith("asked: stop\n"));
}

TEST_CASE("two requests to stop, of which the worker heard none, are told to the next as two") {
  ToyKeeper toy({"memory; ready; pid; serve", "memory; ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  ::kill(toy.worker(), SIGSTOP);
  toy.send(SIGTERM);
  std::this_thread::sleep_for(150ms);
  toy.send(SIGTERM);
  std::this_thread::sleep_for(50ms);
  ::kill(toy.worker(), SIGKILL);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), EndsWith("start\nserving\nasked: stop at once\n"));
}

TEST_CASE("a worker that has no memory yet and does not hear of a stop is not waited for") {
  ToyKeeper toy({"say starting; freeze"});
  toy.start();
  REQUIRE(toy.wait_for_log("starting"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("an end without a word is a death, whatever its status, before the hub is ready too") {
  ToyKeeper toy({"memory; exit 0", "memory; exit 86", "memory; exit 78", "memory; ready; exit 86",
                 "memory; ready; done"});
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 5);
  CHECK_THAT(toy.reported(), Contains("the worker died (status 86)"));
}

TEST_CASE("an end that was said is meant, whatever a plugin makes of the process then") {
  ToyKeeper toy({"memory; ready; stopping; ends 1; kill"});
  CHECK(toy.run() == 1);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a process that does not come to its end after it said so is ended") {
  ToyKeeper toy({"memory; ready; stopping; ends 0; freeze"});
  toy.options().stop_patience = 100ms;
  CHECK(toy.run() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a worker that lives without its link is killed, and another goes on") {
  // With the thread that watches for the keeper's end, too: nothing in it may hold the link open.
  const std::string watches = GENERATE("", "watch; pause 200; ");
  ToyKeeper toy({"memory; ready; " + watches + "close_link; freeze", "memory; deaths; done"});
  CHECK(toy.run() == 0);
  CHECK_THAT(toy.reported(), Contains("the worker has closed its link to the keeper, and lives: a "
                                      "plugin closed a descriptor that is not "
                                      "its own; the worker is killed"));
  CHECK_THAT(toy.log(), Contains("deaths 1, 9"));
}

TEST_CASE("what a worker leaves behind is ended before the next starts") {
  ToyKeeper toy({"orphan; orphan stubborn; ready; kill", "orphans; done"});
  CHECK(toy.run() == 0);
  CHECK_THAT(toy.log(), EndsWith("start\n0 orphans live\n"));
}

TEST_CASE(
    "whom the keeper's process had started before lives on when a worker dies, and whom that "
    "leaves behind as well") {
  ToyKeeper toy({"orphan; ready; pid; die_when_asked", "orphans; ready; serve"});
  toy.start([&] {
    if (::fork() != 0) return;
    if (::fork() != 0)
      ::usleep(300'000), ::_exit(0);  // a producer that ends: the keeper adopts its child
    std::ofstream(toy.folder() / "stranger") << ::getpid();
    for (;;) ::pause();
  });
  REQUIRE(toy.wait_for_log("serving"));
  pid_t stranger = 0;
  const auto is_adopted = [&] { return std::ranges::count(toy.children(), stranger) == 1; };
  REQUIRE(test::eventually(
      [&] { return (std::ifstream(toy.folder() / "stranger") >> stranger) && is_adopted(); }));
  toy.send(SIGUSR1);
  REQUIRE(toy.wait_for_log("0 orphans live\nserving"));
  CHECK(is_adopted());
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(::kill(stranger, SIGKILL) == 0);
}

TEST_CASE("the worker notices the keeper's death") {
  ToyKeeper toy({"ready; serve"});
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGKILL);
  CHECK(toy.end() == -1);
  CHECK(toy.wait_for_log("lost the keeper"));
}

TEST_CASE("a program that is removed while it runs goes on") {
  const char* preloaded = std::getenv("LD_PRELOAD");
  if (preloaded && std::string(preloaded).find("vgpreload") != std::string::npos)
    return;  // valgrind executes by path
  ToyKeeper toy({"ready; die_when_asked", "done"});
  const auto copy = toy.folder() / "toy";
  std::filesystem::copy_file(ToyKeeper::program(), copy);
  toy.options().program = copy;
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  std::filesystem::remove(copy);
  toy.send(SIGUSR1);
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 2);
}

TEST_CASE("a service manager hears of readiness, life and the end") {
  ToyKeeper toy({"ready; serve"});
  const test::Manager manager("@standpipe-test-" + toy.folder().path());
  toy.start_watched("40000");
  std::string received;
  const auto hears = [&](const std::string& what) {
    return test::eventually([&] { return (received = manager.received()) == what; });
  };
  CHECK(hears("READY=1"));
  CHECK(hears("STATUS=toying"));
  CHECK(hears("WATCHDOG=1"));
  CHECK(hears("WATCHDOG=1"));
  toy.send(SIGTERM);
  CHECK(hears("STOPPING=1"));
  CHECK(toy.end() == 0);
}

TEST_CASE("a worker that stands still when it is to stop is killed, and what waits is saved") {
  ToyKeeper toy({"memory; ready; call 0; on_loop; say frozen; freeze"});
  toy.options().stop_patience = 200ms;
  toy.start();
  REQUIRE(toy.wait_for_log("frozen"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nfrozen\nspill\n");
  CHECK_THAT(toy.reported(), Contains("handler second has stood still for 200ms, and the hub is to "
                                      "stop; the worker is killed"));
  CHECK_THAT(toy.reported(), Contains("stopped without it; what waited in memory is saved"));
}

TEST_CASE("a worker that hangs while it starts can be stopped, in twelve times the time") {
  ToyKeeper toy({"memory; say starting; freeze"});
  toy.options().stop_patience = 50ms;
  toy.start();
  REQUIRE(toy.wait_for_log("starting"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nstarting\nspill\n");
  CHECK_THAT(toy.reported(), Contains("the worker's loop has stood still for 600ms, and the hub is "
                                      "to stop; the worker is killed"));
}

TEST_CASE(
    "a plugin that closes has its time, and a call that an earlier worker's loop was in blames "
    "nobody") {
  ToyKeeper toy({"memory; ready; on_loop; kill", "memory; ready; say closing; pause 700; done"});
  toy.options().stop_patience = 200ms;
  toy.start();
  REQUIRE(toy.wait_for_log("closing"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.reported(), !Contains("stood still"));
}

TEST_CASE(
    "a worker that starts slowly is not killed for it, and the service manager hears of the "
    "keeper") {
  ToyKeeper toy({"memory; ready; kill", "pause 700; memory; ready; done"});
  const test::Manager manager("@standpipe-test-" + toy.folder().path());
  toy.start_watched("400000");
  int alive = 0;
  CHECK(test::eventually([&] { return (alive += manager.received() == "WATCHDOG=1") >= 5; }));
  CHECK(test::eventually([&] { return manager.received() == "STOPPING=1"; }));
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 2);
  CHECK_THAT(toy.reported(), !Contains("stood still"));
}

TEST_CASE("a worker that saves is not asked for signs of life") {
  ToyKeeper toy({"memory; ready; stopping; saving; pause 700; done"});
  toy.start_watched("400000");
  CHECK(toy.end() == 0);
  CHECK(toy.workers() == 1);
}

TEST_CASE("a worker that saves what is left has its time") {
  ToyKeeper toy({"memory; ready; say serving; saving; pause 600; done"});
  toy.options().stop_patience = 100ms;
  toy.start();
  REQUIRE(toy.wait_for_log("serving"));
  toy.send(SIGTERM);
  CHECK(toy.end() == 0);
  CHECK_THAT(toy.log(), !Contains("spill"));
}

TEST_CASE(
    "a loop that does not answer is killed before the service manager ends all, and its handler is "
    "marked") {
  ToyKeeper toy({"memory; ready; on_loop; freeze", "memory; stuck; done"});
  const test::Manager manager("@standpipe-test-" + toy.folder().path());
  toy.start_watched("400000");
  CHECK(toy.end() == 0);
  CHECK(toy.log() == "start\nstart\nstuck 1\n");
  CHECK_THAT(toy.reported(), Contains("handler second has stood still for 200ms, and the service "
                                      "manager waits for a sign of life; the "
                                      "worker is killed"));
  std::string received, all;
  while ((received = manager.received()) != "nothing") all += received + '\n';
  CHECK_THAT(all, Contains("WATCHDOG=1"));
}
