// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_feed.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "base/failure.h"
#include "base/limits.h"
#include "deliver/remaining.h"
#include "temporary_folder.h"
#include "worker/inlet.h"

using namespace standpipe;
using deliver::SpillReader;
using deliver::SpillWriter;

namespace {

using Texts = std::vector<std::string>;

class StoppedClock final : public Clock {
 public:
  Nanoseconds steady() const override { return std::chrono::seconds(1); }
  Nanoseconds wall() const override { return Nanoseconds(77); }
};

class Listener final : public Reporter {
 public:
  void say(const Diagnostic& d) override { said += d.message + '\n'; }
  bool heard(std::string_view text) const { return said.find(text) != said.npos; }
  std::string said;
};

std::string framed(const std::string& payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
}

std::string unframed(std::span<const std::byte> frame) {
  return std::string(reinterpret_cast<const char*>(frame.data()), frame.size()).substr(STANDPIPE_WIRE_HEADER_BYTES);
}

// What a worker has.
struct Worker {
  Worker(std::unique_ptr<log::Memory> memory, const std::string& folder, const Clock& clock, Reporter& reporter,
         std::uint64_t log_max, std::uint64_t message_max)
      : keeping(std::move(memory)), arena(*keeping), dev_null(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    source::FifoOptions options{.name = "in", .path = folder + "/in"};
    options.log_size_max = log_max;
    options.message_size_max = message_max;
    match::RouteOptions route;
    route.from = {0};
    route.to = {0, 1};
    const bool goes_on = keeping->recovered();
    inlet = std::make_unique<worker::Inlet>(options, 0, arena, match::Matcher(0, {route}, {}), clock, reporter, false);
    deliveries.push_back(inlet->make_delivery(0, "a", 0));
    deliveries.push_back(inlet->make_delivery(1, "b", 1));
    inlet->serve(
        std::make_unique<worker::SpillFeed>(*keeping, folder, "in", std::vector<std::string>{"a", "b"}, goes_on, reporter));
    if (goes_on) inlet->take_up(stage, dev_null.get());
  }

  std::unique_ptr<log::Memory> keeping;
  log::Arena arena;
  Fd dev_null;
  Pipe stage = Pipe::make(kStageBytes);
  std::unique_ptr<worker::Inlet> inlet;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;
};

// Verbs: spilled (by an earlier run), start, crash, turn, take, write, stop.
class Fixture {
 public:
  // Messages of "HANDLERS PAYLOAD".
  std::string spilled(const Texts& messages, std::uint64_t time = 5) {
    SpillWriter writer(folder.path(), "in");
    std::uint64_t sequence = 100;
    for (const auto& m : messages) {
      const auto space = m.find(' ');
      std::vector<std::string_view> handlers;
      for (std::size_t i = 0; i < space; ++i) handlers.push_back(std::string_view(m).substr(i, 1));
      const auto frame = framed(m.substr(space + 1));
      const auto bytes = std::as_bytes(std::span(frame));
      REQUIRE_FALSE(writer.add(++sequence, time, handlers, {&bytes, 1}));
    }
    REQUIRE_FALSE(writer.finish());
    return writer.path();
  }
  void start() {
    worker.reset();
    make(std::make_unique<log::Memory>(log::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 2}));
    worker->inlet->resume(nullptr, worker->stage, worker->dev_null.get());
  }
  // The next worker has what the last commit left.
  void crash() {
    Fd memory(::dup(worker->keeping->fd()));
    worker.reset();
    make(std::make_unique<log::Memory>(std::move(memory)));
  }
  worker::Inlet::Turn turn() {
    const auto turn = worker->inlet->accept(worker->stage, worker->dev_null.get());
    check();
    return turn;
  }
  void feed() {
    for (int i = 0; i < 1000 && turn() == worker::Inlet::Turn::more; ++i) {
    }
  }
  // All that is there for a handler.
  Texts take(std::size_t handler) {
    Texts payloads;
    auto& d = *worker->deliveries[handler];
    const deliver::Delivery* one[] = {&d};
    deliver::Remaining remaining(one);
    while (const auto m = remaining.next()) payloads.push_back(unframed(m->frame));
    auto at = d.next();
    while (const auto piece = d.log().read(at, d.bit())) {
      const deliver::Range range{piece->begin, piece->end, piece->count};
      d.give_out(range);
      d.finish(range);
      d.edit_tally().delivered += range.count;
      at = piece->end;
    }
    worker->keeping->commit();
    worker->inlet->trim();
    check();
    return payloads;
  }
  void write(const Texts& payloads) {
    if (!writer_) writer_.reset(::open((folder / "in").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    std::string bytes;
    for (const auto& p : payloads) bytes += framed(p);
    REQUIRE(::write(writer_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  std::uint64_t stop() {
    worker->inlet->begin_stop();
    worker->inlet->take_last(worker->stage, worker->dev_null.get(), 7777, std::chrono::milliseconds(300));
    return spill().unfed;
  }
  worker::SpillFeed::Spilled spill() {
    return worker->inlet->spills()->spill({worker->inlet->deliveries().begin(), worker->inlet->deliveries().end()});
  }
  // "HANDLERS PAYLOAD" of all files.
  Texts on_disk() const {
    Texts messages;
    for (const auto& path : files()) {
      SpillReader reader(path);
      while (const auto m = reader.next()) {
        std::string handlers;
        for (const auto& h : m->handlers) handlers += h;
        messages.push_back(handlers + ' ' + unframed(m->frame));
      }
    }
    return messages;
  }
  Texts files() const { return SpillReader::find(folder.path(), "in"); }
  const deliver::Intake& books() const { return worker->inlet->books(); }

  test::TemporaryFolder folder;
  StoppedClock clock;
  Listener reporter;
  std::uint64_t log_max = 4 * MiB, message_max = 1 * MiB;
  std::optional<Worker> worker;

 private:
  void make(std::unique_ptr<log::Memory> memory) {
    worker.emplace(std::move(memory), folder.path(), clock, reporter, log_max, message_max);
    check();
  }
  void check() {
    worker->inlet->check_invariants();
    for (const auto& d : worker->deliveries) d->check_invariants();
  }

  Fd writer_;
};

Texts numbered(const std::string& handlers, int count, int from = 0) {
  Texts messages;
  for (int i = from; i < from + count; ++i)
    messages.push_back(handlers + ' ' + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7 % 2000), '.'));
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

TEST_CASE_METHOD(Fixture, "what an earlier run left comes before what the FIFO has, to those who still want it") {
  spilled({"ab one", "a two", "b three"});
  start();
  write({"four"});
  feed();
  CHECK(take(0) == Texts{"one", "two", "four"});
  CHECK(take(1) == Texts{"one", "three", "four"});
  CHECK(reporter.heard("in: 3 messages that an earlier run could not deliver come first"));
  CHECK(books().accepted == 4);
}

TEST_CASE_METHOD(Fixture, "several files are served in their order, and each goes when its messages are final") {
  spilled({"a one"});
  spilled({"a two"});
  start();
  feed();
  CHECK(files().size() == 2);
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(files().empty());
}

TEST_CASE_METHOD(Fixture, "a worker that dies while it serves loses nothing and repeats nothing, wherever that is") {
  const auto messages = numbered("a", 600);
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

TEST_CASE_METHOD(Fixture, "a file that is fed is not fed again by the next worker, and still goes when it is final") {
  spilled({"a one"});
  spilled({"a two"});
  start();
  feed();
  crash();
  feed();
  CHECK(books().accepted == 2);
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(files().empty());
}

TEST_CASE_METHOD(Fixture, "for a handler that is gone nothing is kept, and that is said once") {
  spilled({"z one", "z two", "az three"});
  start();
  feed();
  CHECK(take(0) == Texts{"three"});
  CHECK(books().unmatched == 2);
  CHECK(reporter.heard("in: an earlier run left messages for z, to which no route leads any more"));
  CHECK(files().empty());
}

TEST_CASE_METHOD(Fixture, "a message over a limit that was lowered is dropped and counted") {
  spilled({"a " + std::string(200, 'x'), "a small"});
  message_max = 100;
  start();
  feed();
  CHECK(take(0) == Texts{"small"});
  CHECK(worker->deliveries[0]->tally().dropped[static_cast<std::size_t>(deliver::Reason::too_large)] == 1);
  CHECK(files().empty());
}

TEST_CASE_METHOD(Fixture, "a file that is no spill is put by, and the others are served") {
  const auto path = spilled({"a one"});
  spilled({"a two"});
  std::ofstream(path, std::ios::trunc) << "something else, longer than a header";
  start();
  feed();
  CHECK(take(0) == Texts{"two"});
  CHECK(reporter.heard("they are left in " + path + ".unreadable"));
}

TEST_CASE_METHOD(Fixture, "at a stop all that is left goes to one file, and the next run has it in order") {
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

TEST_CASE_METHOD(Fixture, "at a stop with nothing left there is no file") {
  spilled({"a one"});
  start();
  feed();
  take(0);
  stop();
  CHECK(files().empty());
}

TEST_CASE_METHOD(Fixture, "what was not fed stands between what was fed and what the FIFO had") {
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

TEST_CASE_METHOD(Fixture, "a worker that dies in between leaves that order to the next one") {
  auto messages = numbered("a", 600);
  log_max = 64 * KiB;
  spilled(messages);
  start();
  turn();
  write({"last"});
  worker->inlet->begin_stop();
  worker->inlet->take_last(worker->stage, worker->dev_null.get(), 7777, std::chrono::milliseconds(300));
  crash();
  spill();
  messages.push_back("ab last");
  CHECK(on_disk() == messages);
}

TEST_CASE_METHOD(Fixture, "what a dead worker has spilled is not spilled again") {
  start();
  write({"one"});
  feed();
  stop();
  crash();
  CHECK(worker->inlet->is_spilled());
  CHECK_FALSE(spill().path.empty());
  CHECK(on_disk() == Texts{"ab one"});
}

TEST_CASE_METHOD(Fixture, "a disk that takes nothing leaves everything as it was") {
  const auto path = spilled({"a one"});
  start();
  feed();
  std::filesystem::rename(folder / "spill", folder / "elsewhere");
  std::ofstream(folder / "spill") << "a file in the folder's place";
  CHECK_THROWS_AS(stop(), Failure);
  CHECK_FALSE(worker->inlet->is_spilled());
  CHECK(worker->deliveries[0]->in_flight() == 1);
}

TEST_CASE_METHOD(Fixture, "a damaged byte, wherever it is, costs one message, and the file is kept when the rest is delivered") {
  const Texts messages = {"a one", "a two", "b three", "a four"};
  const auto size = std::filesystem::file_size(spilled(messages));
  for (std::uint64_t at = 16; at < size; at += 3) {
    for (const auto& path : files()) std::filesystem::remove(path);
    const auto path = spilled(messages);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 0x15);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.close();
    reporter.said.clear();
    start();
    feed();
    const auto got = take(0).size() + take(1).size();
    CHECK(got + 3 >= messages.size());  // a list of handlers serves several
    CHECK(files().empty());
    CHECK(std::filesystem::exists(path + ".damaged"));
    CHECK(reporter.heard("the file is kept then as " + path + ".damaged"));
    std::filesystem::remove(path + ".damaged");
  }
}

TEST_CASE_METHOD(Fixture, "a length that is damaged does not hide what stands behind it") {
  const auto path = spilled({"a one", "a two", "a three"});
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes(std::filesystem::file_size(path), ' ');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto two = bytes.find("two");
  REQUIRE(two != bytes.npos);
  file.seekp(static_cast<std::streamoff>(two - 4 - 12 - 21));  // frame's length; record's head; meta
  file.write("\xff\xff\xff\x7f", 4);
  file.close();
  start();
  feed();
  CHECK(take(0) == Texts{"one", "three"});
}

TEST_CASE_METHOD(Fixture, "what was delivered of a spill does not come again, though there was no room to write the rest anew") {
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
  worker->inlet->take_last(worker->stage, worker->dev_null.get(), 7777, std::chrono::milliseconds(300));
  {
    const SmallFiles full;
    CHECK_THROWS_AS(spill(), Failure);
  }
  start();
  for (int i = 0; i < 1000 && got.size() < 610; ++i) {
    turn();
    for (auto& p : take(0)) got.push_back(std::move(p));
  }
  CHECK(got == payloads(numbered("a", 610)));
  CHECK(files().empty());
}
