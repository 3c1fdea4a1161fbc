// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_feed.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "base/limits.h"
#include "worker/spill_kit.h"

using namespace standpipe;
using test::SpillKit, test::Texts;

namespace {

Texts numbered(const std::string& handlers, int count, int from = 0) {
  Texts messages;
  for (int i = from; i < from + count; ++i)
    messages.push_back(handlers + ' ' + std::to_string(i) +
                       std::string(static_cast<std::size_t>(i * 7 % 2000), '.'));
  return messages;
}
Texts payloads(Texts messages) {
  for (auto& m : messages) m.erase(0, m.find(' ') + 1);
  return messages;
}

// A disk that takes no more: what is there can still be written over.
class SmallFiles {
 public:
  SmallFiles() {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto small = before_;
    small.rlim_cur = 1024;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE_METHOD(
    SpillKit,
    "what an earlier run left comes before what the FIFO has, to those who still want it") {
  spilled({"ab one", "a two", "b three"});
  start();
  write({"four"});
  feed();
  CHECK(take(0) == Texts{"one", "two", "four"});
  CHECK(take(1) == Texts{"one", "three", "four"});
  CHECK(reporter.has_reported("in: 3 messages that an earlier run could not deliver come first"));
  CHECK(counters().accepted == 4);
}

TEST_CASE_METHOD(SpillKit,
                 "metadata comes with its messages, from one spill through the log into the next") {
  spilled({"ab one", "a two@k2", "ab three@k3", "b four"});
  start();
  feed();
  CHECK(take(0) == Texts{"one", "two@k2", "three@k3"});
  CHECK(stop() == 0);
  CHECK(on_disk() == Texts{"b one", "b three@k3", "b four"});
  start();
  CHECK(stop() == 3);  // nothing was fed
  CHECK(on_disk() == Texts{"b one", "b three@k3", "b four"});
}

TEST_CASE_METHOD(
    SpillKit,
    "several files are served in their order, and each goes when its messages are final") {
  spilled({"a one"});
  spilled({"a two"});
  start();
  feed();
  CHECK(files().size() == 2);
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(files().empty());
}

TEST_CASE_METHOD(
    SpillKit,
    "a worker that dies while it serves loses nothing and repeats nothing, wherever that is") {
  auto messages = numbered("a", 600);
  for (std::size_t i = 0; i < messages.size(); i += 3)
    messages[i] += "@key of " + std::to_string(i);
  log_max = 64 * KiB;
  for (int turns = 0; turns < 12; ++turns) {
    spilled(messages);
    start();
    Texts got;
    for (int i = 0; i < 200 && got.size() < messages.size(); ++i) {
      turn();
      if (i % 12 == turns) crash();
      for (auto& p : take(0)) got.push_back(std::move(p));
    }
    feed();
    REQUIRE(got == payloads(messages));
    REQUIRE(files().empty());
  }
}

TEST_CASE_METHOD(
    SpillKit,
    "a file that is fed is not fed again by the next worker, and still goes when it is final") {
  spilled({"a one"});
  spilled({"a two"});
  start();
  feed();
  crash();
  feed();
  CHECK(counters().accepted == 2);
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(files().empty());
}

TEST_CASE_METHOD(SpillKit, "a handler without a route gets a delivery of its own when it is met") {
  spilled({"z one", "z two@v", "az three"});
  start();
  feed();
  CHECK(take(0) == Texts{"three"});
  REQUIRE(worker->deliveries.size() == 3);
  CHECK(take(2) == Texts{"one", "two@v", "three"});
  CHECK(counters().unmatched == 0);
  CHECK(files().empty());
}

TEST_CASE_METHOD(SpillKit, "a handler that there is no room for is left out, and that is said") {
  spilled({"x one", "y two", "z three", "az four"});
  start();
  feed();
  CHECK(take(0) == Texts{"four"});
  CHECK(counters().unmatched == 1);
  CHECK(reporter.has_reported("in: an earlier run left messages for z, to which no route leads"));
}

TEST_CASE_METHOD(SpillKit, "a message over a limit that was lowered is dropped and counted") {
  spilled({"a " + std::string(200, 'x'), "a small"});
  message_max = 100;
  start();
  feed();
  CHECK(take(0) == Texts{"small"});
  CHECK(worker->deliveries[0]
            ->tally()
            .dropped[static_cast<std::size_t>(deliver::Reason::too_large)] == 1);
  CHECK(files().empty());
}

TEST_CASE_METHOD(SpillKit,
                 "a file that is not a spill is kept for people, and the others are served") {
  const auto path = spilled({"a one"});
  spilled({"a two"});
  std::ofstream(path, std::ios::trunc) << "something else, longer than a header";
  start();
  feed();
  CHECK(take(0) == Texts{"two"});
  CHECK(reporter.has_reported("they are left in " + path + ".unreadable"));
}

TEST_CASE_METHOD(SpillKit,
                 "at a stop all that is left goes to one file, and the next run has it in order") {
  start();
  write({"one", "two"});
  feed();
  take(0);
  write({"three"});
  CHECK(stop() == 0);
  CHECK(on_disk() == Texts{"b one", "b two", "ab three"});
  start();
  feed();
  CHECK(take(0) == Texts{"three"});
  CHECK(take(1) == Texts{"one", "two", "three"});
}

TEST_CASE_METHOD(SpillKit, "at a stop with nothing left there is no file") {
  spilled({"a one"});
  start();
  feed();
  take(0);
  stop();
  CHECK(files().empty());
}

TEST_CASE_METHOD(SpillKit, "what was not fed stands between what was fed and what the FIFO had") {
  auto messages = numbered("a", 600);
  log_max = 64 * KiB;
  spilled(messages);
  start();
  turn();
  const auto delivered = take(0).size();
  REQUIRE(delivered > 0);
  turn();
  write({"last"});
  CHECK(stop() > 0);
  messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(delivered));
  messages.push_back("ab last");
  CHECK(on_disk() == messages);
  CHECK(files().size() == 1);
}

TEST_CASE_METHOD(SpillKit, "a worker that dies in between leaves that order to the next one") {
  auto messages = numbered("a", 600);
  log_max = 64 * KiB;
  spilled(messages);
  start();
  turn();
  write({"last"});
  worker->inlet->begin_stop();
  worker->inlet->accept_last(7777, std::chrono::milliseconds(300));
  crash();
  spill();
  messages.push_back("ab last");
  CHECK(on_disk() == messages);
}

TEST_CASE_METHOD(SpillKit, "what a dead worker has spilled is not spilled again") {
  start();
  write({"one"});
  feed();
  stop();
  crash();
  CHECK(worker->inlet->is_spilled());
  CHECK_FALSE(spill().path.empty());
  CHECK(on_disk() == Texts{"ab one"});
}

TEST_CASE_METHOD(SpillKit, "a disk that takes nothing leaves everything as it was") {
  const auto path = spilled({"a one"});
  start();
  feed();
  std::filesystem::rename(folder / "spill", folder / "elsewhere");
  std::ofstream(folder / "spill") << "a file in the folder's place";
  CHECK_THROWS_AS(stop(), Failure);
  CHECK_FALSE(worker->inlet->is_spilled());
  CHECK(worker->deliveries[0]->in_flight() == 1);
}

TEST_CASE_METHOD(SpillKit,
                 "a damaged byte, wherever it is, costs one message, and the file is kept when the "
                 "rest is delivered") {
  const Texts messages = {"a one", "a two", "b three", "a four"};
  const auto size = std::filesystem::file_size(spilled(messages));
  for (std::uint64_t at = 0; at < size; at += 3) {
    for (const auto& path : files()) std::filesystem::remove(path);
    const auto path = spilled(messages);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 0x15);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.close();
    reporter.reported.clear();
    start();
    feed();
    const auto got = take(0).size() + take(1).size();
    CHECK(got + 1 >= messages.size());
    CHECK(files().empty());
    CHECK(std::filesystem::exists(path + ".damaged"));
    CHECK(reporter.has_reported("then the file is kept as " + path + ".damaged"));
    std::filesystem::remove(path + ".damaged");
  }
}

TEST_CASE_METHOD(SpillKit, "a length that is damaged does not hide what stands after it") {
  const auto path = spilled({"a one", "a two", "a three"});
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes(std::filesystem::file_size(path), ' ');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto two = bytes.find("two");
  REQUIRE(two != bytes.npos);
  file.seekp(
      static_cast<std::streamoff>(two - 4 - 16 - 21));  // frame's length; record's head; meta
  file.write("\xff\xff\xff\x7f", 4);
  file.close();
  start();
  feed();
  CHECK(take(0) == Texts{"one", "three"});
}

TEST_CASE_METHOD(SpillKit,
                 "what was delivered of a spill is not redelivered, though there was no room to "
                 "write the rest anew") {
  const auto messages = numbered("a", 600);
  log_max = 64 * KiB;
  spilled(messages);
  spilled(numbered("a", 10, 600));
  start();
  Texts got;
  for (int i = 0; i < 3; ++i) {
    turn();
    for (auto& p : take(0)) got.push_back(std::move(p));
  }
  turn();  // fed, and not delivered
  REQUIRE_FALSE(got.empty());
  worker->inlet->accept_last(7777, std::chrono::milliseconds(300));
  {
    const SmallFiles full;
    CHECK_THROWS_AS(spill(), Failure);
  }
  const auto left = worker->deliveries[0]->in_flight();
  CHECK((left > 0 &&
         worker->deliveries[0]->drop_rest(deliver::Reason::shutdown,
                                          worker->inlet->spills()->comes_again_before()) == left));
  CHECK(worker->deliveries[0]->tally().dropped_sum() == 0);
  CHECK(worker->deliveries[0]->in_flight() == left);
  worker->keeping->commit();
  crash();
  CHECK(
      spill().path.empty());  // the next worker of that stop leaves it so, though there is room now
  worker->inlet->trim();
  start();
  for (int i = 0; i < 1000 && got.size() < 610; ++i) {
    turn();
    for (auto& p : take(0)) got.push_back(std::move(p));
  }
  CHECK(got == payloads(numbered("a", 610)));
  CHECK(files().empty());
}

TEST_CASE_METHOD(SpillKit,
                 "where there is no room for a new file, what came from the FIFO is lost, and what "
                 "an old one has is not") {
  spilled({"ab old one", "b old two", "a old three"});
  start();
  feed();
  write({"new one", "new two"});
  feed();
  {
    const SmallFiles full;
    write({std::string(4000, 'x')});
    CHECK_THROWS_AS(stop(), Failure);
  }
  auto& a = *worker->deliveries[0];
  auto& b = *worker->deliveries[1];
  const auto in_files = worker->inlet->spills()->comes_again_before();
  CHECK((a.drop_rest(deliver::Reason::shutdown, in_files) == 2 &&
         b.drop_rest(deliver::Reason::shutdown, in_files) == 2));
  CHECK((a.tally().dropped_sum() == 3 && b.tally().dropped_sum() == 3));
  CHECK((a.in_flight() == 2 && b.in_flight() == 2));
  a.check_invariants();
  b.check_invariants();
  start();
  feed();
  CHECK((take(0) == Texts{"old one", "old three"} && take(1) == Texts{"old one", "old two"}));
}
