// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queue.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "deliver/fifo_kit.h"
#include "failing_disk.h"
#include "log/meta_block.h"
#include "temporary_folder.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;

// Stands in for the C library's, for all tests of this folder.
extern "C" int fdatasync(int fd) {
  ++test::syncs().calls;
  if (!test::syncs().error) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = test::syncs().error;
  return -1;
}

namespace {

using Texts = std::vector<std::string>;

// A source's log, whose messages all go through one queue to one handler, worker after worker and
// run after run. Verbs: append, settle, take, crash (the worker dies), end and begin (a run).
class Fixture {
 public:
  explicit Fixture(const QueueOptions& options = on_disk(), bool is_overflow = false)
      : queue_options_(options), is_overflow_(is_overflow) {
    begin_run();
  }
  static QueueOptions on_disk() { return {.type = QueueOptions::Type::disk, .size_max = 64 * MiB}; }

  // false: the source's log is full.
  bool append(const std::string& payload) {
    const auto frame = test::framed(payload);
    const auto room = source_log->room(frame.size());
    if (room.size() < frame.size()) return false;
    std::memcpy(room.data(), frame.data(), frame.size());
    source_log->filled(frame.size());
    const std::uint64_t set = 1;
    REQUIRE(source_log->add_run(frame.size(), 1, ++time_, 1, {&set, 1}));
    ++queue->from().edit_tally().matched;
    memory->commit();
    check();
    return true;
  }
  void append_described(const std::string& payload, const std::string& value) {
    const auto frame = test::framed(payload);
    log::MetaBlockWriter block;
    REQUIRE(block.add("key", std::as_bytes(std::span(value))));
    block.end_message();
    const auto room = source_log->add_block(block.finish(), frame.size(), 1);
    REQUIRE(room.size() >= frame.size());
    std::memcpy(room.data(), frame.data(), frame.size());
    source_log->filled(frame.size());
    const std::uint64_t set = 1;
    REQUIRE(source_log->add_run(frame.size(), 1, ++time_, 1, {&set, 1}));
    ++queue->from().edit_tally().matched;
    memory->commit();
  }
  void append_all(int first, int last) {
    for (int i = first; i < last; ++i) {
      const auto text = std::to_string(i);
      if (append(text)) continue;
      settle();
      REQUIRE(append(text));
    }
  }
  // All that can be moved is in files, and all that has room came back from there.
  void settle(bool feeds = true) {
    for (int idle = 0, i = 0; idle < 5 && i < 10'000; ++i) {
      const auto step = queue->advance(feeds);
      check();
      auto lowest = queue->from().settled();
      if (lowest != source_log->trimmed()) source_log->trim(lowest);
      memory->commit();
      const bool waits = queue->is_writing();
      idle = step.more || step.moved || step.fed || waits ? 0 : idle + 1;
      if (waits) std::this_thread::sleep_for(1ms);
    }
  }
  // The handler takes so many of what waits in the queue's log.
  Texts take(std::size_t most = ~std::size_t{0}) { return take_of(*to, most); }
  Texts take_of(deliver::Delivery& of, std::size_t most) {
    Texts got;
    while (got.size() < most) {
      auto at = of.next();
      const auto piece = of.log().read(at, 0);
      if (!piece) break;
      const auto frame = test::unframed(
          std::string(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size()))[0];
      const deliver::Range one{
          piece->begin, {piece->begin.position + frame.size() + 4, piece->begin.sequence + 1}, 1};
      of.give_out(one);
      of.edit_tally().delivered += 1;
      of.finish(one);
      memory->commit();
      got.push_back(frame);
      check();
    }
    return got;
  }
  // The handler has the next one, and does not come back.
  deliver::Range hand_out() {
    auto at = to->next();
    const auto piece = queue->log().read(at, 0);
    REQUIRE(piece);
    const auto bytes =
        4 + test::unframed(std::string(reinterpret_cast<const char*>(piece->bytes.data()),
                                       piece->bytes.size()))[0]
                .size();
    const deliver::Range one{
        piece->begin, {piece->begin.position + bytes, piece->begin.sequence + 1}, 1};
    to->give_out(one);
    memory->commit();
    return one;
  }
  void finish(const deliver::Range& one) {
    to->edit_tally().delivered += one.count;
    to->finish(one);
    memory->commit();
  }
  Texts take_all() {
    Texts got;
    for (;;) {
      settle();
      const auto some = take();
      if (some.empty()) return got;
      got.insert(got.end(), some.begin(), some.end());
    }
  }
  static Texts numbers(int first, int last) {
    Texts all;
    for (int i = first; i < last; ++i) all.push_back(std::to_string(i));
    return all;
  }

  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    drop();
    memory = std::move(next);
    begin();
  }
  // The hub stops, and another starts.
  void stop_and_start() {
    queue->finish();
    check();
    kill_all();
  }
  // The hub and its memory are gone; another starts.
  void kill_all() {
    drop();
    begin_run();
  }
  void drop() {
    to.reset();
    queue.reset();
    from.reset();
    source_log.reset();
    writer.reset();
    arena.reset();
  }

  void check() const {
    queue->check_invariants();
    queue->from().check_invariants();
    to->check_invariants();
  }
  std::uint64_t matched() const { return queue->from().tally().matched + to->tally().matched; }
  std::uint64_t in_flight() const { return queue->from().in_flight() + to->in_flight(); }
  std::uint64_t dropped(Reason reason) const {
    const auto r = static_cast<std::size_t>(reason);
    return queue->from().tally().dropped[r] + to->tally().dropped[r];
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "queue/in/it", error))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  bool was_told(const std::string& text) const {
    return std::ranges::any_of(reporter.reported, [&](const auto& d) {
      return d.message.find(text) != std::string::npos;
    });
  }
  std::string file(const std::string& name) const { return folder / ("queue/in/it/" + name); }
  void change_byte(const std::string& name, std::uint64_t offset) const {
    std::fstream f(file(name), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(offset));
    f.put('\xff');
  }

  test::TemporaryFolder folder;
  test::SettableClock clock;
  test::Listening reporter;
  std::unique_ptr<state::Memory> memory;
  std::optional<log::Arena> arena;
  std::optional<worker::QueueWriter> writer;
  std::optional<log::Log> source_log;
  std::unique_ptr<deliver::Delivery> from;
  std::unique_ptr<worker::DiskQueue> queue;
  std::unique_ptr<deliver::Delivery> to;

 private:
  void begin_run() {
    memory = std::make_unique<state::Memory>(state::MemoryPlan{
        .memory_max = 16 * MiB, .logs = 1, .deliveries = 1, .handlers = 1, .queues = 1});
    begin();
  }
  void begin() {
    arena.emplace(*memory, log::ArenaBudget{16 * MiB, 2});
    writer.emplace([] {});
    source_log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    from = std::make_unique<deliver::Delivery>("in", "it", 0, *source_log, 0);
    queue = std::make_unique<worker::DiskQueue>(
        worker::DiskQueueOptions{.data_dir = folder.path(),
                                 .source = "in",
                                 .handler = "it",
                                 .queue = queue_options_,
                                 .slot = 0,
                                 .message_size_max = 1 * MiB,
                                 .is_overflow = is_overflow_},
        *from, worker::DiskQueueNeeds{*arena, *writer, clock, reporter, [this] {
                                        return queue ? queue->bytes_on_disk() : 0;
                                      }});
    to = queue->take_delivery();
    memory->commit();
    arena->forget_unclaimed();
    check();
  }

  QueueOptions queue_options_;
  bool is_overflow_;
  std::uint64_t time_ = 0;
};

// The same for a handler that has no queue, but is away now and then.
class Overflowing : public Fixture {
 public:
  explicit Overflowing(std::uint64_t most = 64 * MiB)
      : Fixture({.type = QueueOptions::Type::disk, .size_max = most}, true) {}
  void press() { queue->press("is away", "wait for it"); }
  // The handler is there, and takes all that it is given, wherever that comes from.
  Texts take_both() {
    queue->release();
    Texts got;
    for (;;) {
      settle();
      auto some = take();
      const auto direct = take_direct();
      some.insert(some.end(), direct.begin(), direct.end());
      if (some.empty()) return got;
      got.insert(got.end(), some.begin(), some.end());
    }
  }
  Texts take_direct(std::size_t most = ~std::size_t{0}) {
    return queue->is_armed() ? Texts() : take_of(*from, most);
  }
  std::size_t said(const std::string& part) const {
    std::size_t n = 0;
    for (const auto& d : reporter.reported) n += d.message.find(part) != std::string::npos;
    return n;
  }
};

}  // namespace

TEST_CASE("messages come out of a queue on disk in order, and once") {
  Fixture f;
  f.append_all(0, 1000);
  CHECK(f.take_all() == Fixture::numbers(0, 1000));
  CHECK(f.in_flight() == 0);
  CHECK(f.matched() == 1000);
  f.append_all(1000, 1010);
  CHECK(f.take_all() == Fixture::numbers(1000, 1010));
  CHECK(f.reporter.reported.empty());
}

TEST_CASE("a handler that keeps up is fed what was just written, and nothing is read again") {
  Fixture f;
  REQUIRE(f.append("one"));
  f.append_described("two", "value");
  REQUIRE(f.append("three"));
  (void)f.queue->advance(true);
  REQUIRE(f.queue->is_writing());
  const auto is_written = [&] {
    const auto files = f.files();
    return !files.empty() && std::filesystem::file_size(f.file(files[0])) > 200;
  };
  while (!is_written()) std::this_thread::sleep_for(1ms);
  for (std::uint64_t at = 56; at < 200; ++at) f.change_byte(f.files()[0], at);
  f.settle();
  CHECK(f.take() == Texts{"one", "two", "three"});
  CHECK(f.reporter.reported.empty());
  CHECK(f.in_flight() == 0);
}

TEST_CASE("nothing is synced for a handler that keeps up, however much it takes") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  test::syncs().reset();
  Texts files;
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::string(10'000, '.')));
    f.settle();
    CHECK(f.take().size() == 1);
    f.clock.now += 30ms;
    if (files.empty() || files.back() != f.files()[0]) files.push_back(f.files()[0]);
  }
  CHECK(test::syncs().calls == 0);
  CHECK(files.size() >= 3);  // segments came and went
  REQUIRE(f.append("it is not taken"));
  f.settle();
  CHECK(test::syncs().calls == 0);
  f.clock.now += 100ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.queue->is_synced());
}

TEST_CASE("a full segment waits a moment for the handler, and is synced if that takes longer") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  test::syncs().reset();
  const std::string large(10'000, '.');
  for (int i = 0; f.queue->is_moved(); ++i) {
    REQUIRE(f.append(large));
    f.settle();
    if (i < 10) CHECK(f.take().size() == 1);
  }
  CHECK(f.files().size() == 1);
  CHECK(test::syncs().calls == 0);
  f.clock.now += 11ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.files().size() == 2);
  CHECK(f.queue->is_moved());
}

TEST_CASE("a worker that follows syncs what the dead one may not have") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  REQUIRE(f.append("one"));
  f.settle();
  f.crash();
  test::syncs().reset();
  CHECK_FALSE(f.queue->is_synced());
  f.clock.now += 101ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.queue->is_synced());
}

TEST_CASE("a source goes on while its handler is away, however much comes") {
  Fixture f;
  const std::string large(10'000, '.');
  for (int i = 0; i < 1000; ++i)
    if (!f.append(std::to_string(i) + large)) {
      f.settle();
      REQUIRE(f.append(std::to_string(i) + large));
    }
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.source_log->empty());
  CHECK(f.queue->in_files() > 800);
  CHECK(f.in_flight() == 1000);
  const auto got = f.take_all();
  REQUIRE(got.size() == 1000);
  for (int i = 0; i < 1000; ++i)
    CHECK(got[static_cast<std::size_t>(i)] == std::to_string(i) + large);
}

TEST_CASE("segments go when all of theirs was handled, and the last one when a queue stays empty") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(large));
    f.settle(false);
  }
  CHECK(f.files().size() >= 3);
  CHECK(f.take_all().size() == 60);
  f.settle();
  CHECK(f.files().size() == 1);
  f.clock.now += 2s;
  f.settle();
  CHECK(f.files().empty());
  f.append_all(0, 3);
  CHECK(f.take_all() == Fixture::numbers(0, 3));
}

TEST_CASE("what finds no room is not read again before the handler takes something") {
  Fixture f;
  for (int i = 0; i < 10'000; ++i)
    if (!f.append(std::to_string(i) + std::string(200, '.'))) f.settle();
  f.settle();
  REQUIRE(f.queue->in_files() > 0);
  const auto drops = f.queue->log().drops();
  for (int i = 0; i < 20; ++i) (void)f.queue->advance(true);
  CHECK(f.queue->log().drops() == drops);
  const auto waiting = f.queue->in_files();
  (void)f.take(5000);
  f.settle();
  CHECK(f.queue->in_files() < waiting);
}

TEST_CASE("metadata stays with its message") {
  Fixture f;
  f.append_all(0, 2);
  f.append_described("2", "value of two");
  f.append_all(3, 4);
  f.settle();
  CHECK(f.take(2) == Fixture::numbers(0, 2));
  const auto fields = f.queue->log().fields_of(f.queue->log().trimmed());
  f.settle();
  auto at = f.to->next();
  REQUIRE(f.queue->log().read(at, 0));
  const auto of_two = f.queue->log().fields_of(at);
  CHECK(std::string(reinterpret_cast<const char*>(of_two.data()), of_two.size())
            .find("value of two") != std::string::npos);
  CHECK(fields.empty());
  CHECK(f.take_all() == Fixture::numbers(2, 4));
}

TEST_CASE("a worker that dies anywhere leaves the next one all messages, once and in order") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  Texts got;
  int next = 0;
  for (int life = 0; life < 60; ++life) {
    for (int i = 0; i < 50; ++i, ++next)
      if (!f.append(std::to_string(next) + std::string(500, '.'))) --next, f.settle();
    for (int step = 0; step < life % 7; ++step) {
      f.queue->advance(life % 3 > 0);
      if (life % 2) std::this_thread::sleep_for(1ms);
    }
    for (const auto& text : f.take(static_cast<std::size_t>(life % 5) * 20))
      got.push_back(text.substr(0, text.find('.')));
    f.crash();
  }
  for (const auto& text : f.take_all()) got.push_back(text.substr(0, text.find('.')));
  CHECK(got == Fixture::numbers(0, next));
  CHECK(f.in_flight() == 0);
  CHECK(f.reporter.reported.empty());
}

TEST_CASE("what a stop leaves comes first in the next run, and nothing comes twice") {
  Fixture f;
  f.append_all(0, 500);
  f.settle();
  CHECK(f.take(123) == Fixture::numbers(0, 123));
  f.stop_and_start();
  CHECK(f.in_flight() == 377);
  f.append_all(500, 510);
  CHECK(f.take_all() == Fixture::numbers(123, 510));
  f.stop_and_start();
  CHECK(f.files().empty());
  CHECK(f.in_flight() == 0);
}

TEST_CASE("many stops, with a part handled in each run") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 2 * MiB});
  Texts got;
  for (int run = 0; run < 20; ++run) {
    f.append_all(run * 100, run * 100 + 100);
    f.settle();
    const auto some = f.take(static_cast<std::size_t>(run) * 9);
    got.insert(got.end(), some.begin(), some.end());
    f.stop_and_start();
  }
  const auto rest = f.take_all();
  got.insert(got.end(), rest.begin(), rest.end());
  CHECK(got == Fixture::numbers(0, 2000));
}

TEST_CASE("after the death of all what was moved is there, from a segment's beginning") {
  Fixture f;
  f.append_all(0, 300);
  f.settle();
  CHECK(f.take(10) == Fixture::numbers(0, 10));
  f.kill_all();
  CHECK(f.take_all() == Fixture::numbers(0, 300));
}

TEST_CASE("a full queue that blocks takes no more until something was handled") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .messages_max = 10});
  f.append_all(0, 30);
  f.settle();
  CHECK(f.queue->waiting() == 10);
  CHECK_FALSE(f.queue->is_moved());
  CHECK_FALSE(f.queue->stuck().empty());
  CHECK(f.take(4) == Fixture::numbers(0, 4));
  f.settle();
  CHECK(f.queue->waiting() == 10);
  CHECK(f.take_all() == Fixture::numbers(4, 30));
  CHECK(f.dropped(Reason::queue_full) == 0);
}

TEST_CASE("a full queue that drops the newest has the first messages") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 10,
             .when_full = QueueOptions::WhenFull::drop_newest});
  f.append_all(0, 30);
  f.settle();
  CHECK(f.dropped(Reason::queue_full) == 20);
  CHECK(f.take_all() == Fixture::numbers(0, 10));
  CHECK(f.in_flight() == 0);
}

TEST_CASE("a full queue that drops the oldest has the last messages") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 10,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  for (int i = 0; i < 30; ++i) {
    f.append_all(i, i + 1);
    f.settle();
  }
  CHECK(f.dropped(Reason::queue_full) + f.in_flight() == 30);
  const auto got = f.take_all();
  REQUIRE_FALSE(got.empty());
  CHECK(got == Fixture::numbers(30 - static_cast<int>(got.size()), 30));
}

TEST_CASE("the same in bytes: whole segments go") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  const std::string large(10'000, '.');
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle();
  }
  CHECK(f.queue->bytes() <= 1 * MiB);
  const auto got = f.take_all();
  CHECK(f.dropped(Reason::queue_full) + got.size() == 1000);
  REQUIRE(got.size() > 50);
  CHECK(got.back() == "999" + large);
  CHECK(f.in_flight() == 0);
}

TEST_CASE("a message that is damaged is dropped, said, and all others come") {
  Fixture f;
  f.append_all(0, 100);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  const auto name = f.files().at(0);
  f.change_byte(name, std::filesystem::file_size(f.file(name)) / 2);
  f.kill_all();
  const auto got = f.take_all();
  CHECK(got.size() + f.dropped(Reason::damaged) == 100);
  CHECK(got.size() >= 90);
  CHECK(std::is_sorted(got.begin(), got.end(),
                       [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  CHECK_FALSE(f.reporter.reported.empty());
}

TEST_CASE("a segment that is gone costs its messages, and no start") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle(false);
  }
  f.stop_and_start();
  const auto before = f.files();
  REQUIRE(before.size() >= 3);
  f.drop();
  std::filesystem::remove(f.file(before[1]));
  f.kill_all();
  const auto got = f.take_all();
  CHECK(got.size() + f.dropped(Reason::damaged) == 60);
  CHECK(got.size() > 30);
  CHECK(f.in_flight() == 0);
}

TEST_CASE("what is no segment is set aside, with the reason") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  const auto name = f.files().at(0);
  std::ofstream(f.file(name)) << "this is something else, and longer than a header";
  f.kill_all();
  CHECK(f.take_all().empty());
  CHECK(f.files() == std::vector<std::string>{name + ".damaged"});
  REQUIRE_FALSE(f.reporter.reported.empty());
  CHECK(f.reporter.reported.back().message.find("is not a disk log") != std::string::npos);
  f.append_all(10, 20);
  CHECK(f.take_all() == Fixture::numbers(10, 20));
}

TEST_CASE("a folder that cannot be written makes messages wait, and is tried again") {
  Fixture f;
  const auto path = f.folder / "queue";
  std::ofstream(path) << "in the way";
  f.append_all(0, 5);
  f.settle();
  CHECK_FALSE(f.queue->is_moved());
  CHECK(f.in_flight() == 5);
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].message.find("in -> it: its queue takes no more") == 0);
  std::filesystem::remove(path);
  f.settle();
  CHECK_FALSE(f.queue->is_moved());
  f.clock.now += 6s;
  CHECK(f.take_all() == Fixture::numbers(0, 5));
  CHECK(f.reporter.reported.back().message == "in -> it: its queue takes messages again");
}

TEST_CASE(
    "with sync: always nothing is taken before it is synced, with interval it is synced later") {
  Fixture always({.type = QueueOptions::Type::disk, .sync = QueueOptions::kAlways});
  always.append_all(0, 10);
  CHECK(always.take_all() == Fixture::numbers(0, 10));
  Fixture interval({.type = QueueOptions::Type::disk, .sync = 100ms});
  interval.append_all(0, 10);
  interval.settle(false);
  CHECK(interval.queue->wake_at() == interval.clock.now + 100ms);
  interval.clock.now += 100ms;
  interval.settle(false);
  CHECK_FALSE(interval.queue->wake_at());
  Fixture never({.type = QueueOptions::Type::disk, .sync = QueueOptions::kNever});
  never.append_all(0, 10);
  never.settle(false);
  CHECK_FALSE(never.queue->wake_at());
}

TEST_CASE("a queue that is empty can be removed, and one that is not stays") {
  Fixture f;
  f.append_all(0, 3);
  f.settle();
  CHECK_FALSE(worker::DiskQueue::is_empty(*f.memory, "in", "it"));
  CHECK(f.take_all().size() == 3);
  CHECK(worker::DiskQueue::is_empty(*f.memory, "in", "it"));
  CHECK(worker::DiskQueue::is_empty(*f.memory, "in", "nobody"));
}

TEST_CASE("what is in a handler's hands makes no room: what comes is dropped, and nothing spins") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 1,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  f.append_all(0, 1);
  f.settle();
  const auto in_hand = f.hand_out();
  f.append_all(1, 4);
  f.settle();
  CHECK_FALSE(f.queue->advance(true).more);
  CHECK(f.dropped(Reason::queue_full) == 3);
  CHECK(f.in_flight() == 1);
  f.finish(in_hand);
  f.append_all(4, 5);
  CHECK(f.take_all() == Fixture::numbers(4, 5));
}

TEST_CASE("a foreign file with an impossible number costs no message and no start") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  for (const auto* name : {"18446744073709551615.log", "4000000000.log"})
    std::filesystem::copy_file(f.file("1.log"), f.file(name));
  f.kill_all();
  CHECK(f.in_flight() == 10);
  CHECK(f.take_all() == Fixture::numbers(0, 10));
  CHECK(f.dropped(Reason::damaged) == 0);
  f.append_all(10, 20);
  CHECK(f.take_all() == Fixture::numbers(10, 20));
  CHECK(f.was_told("4000000000.log has messages of other numbers than its name says"));
}

TEST_CASE("a segment that cannot be opened now is not a damaged one") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle(false);
  }
  REQUIRE(f.files().size() >= 3);
  f.settle(false);
  {
    const test::NoDescriptors none;
    for (int i = 0; i < 5; ++i) CHECK_FALSE(f.queue->advance(true).fed);
  }
  CHECK(f.dropped(Reason::damaged) == 0);
  CHECK(f.in_flight() == 60);
  f.clock.now += 6s;
  CHECK(f.take_all().size() == 60);
}

TEST_CASE("a segment that is deleted while it is written to costs nothing that comes later") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  REQUIRE(f.files().size() == 1);
  std::filesystem::remove_all(f.folder / "queue");
  f.append_all(10, 20);
  f.settle(false);
  CHECK(f.was_told("1.log was removed while it was in use"));
  f.append_all(20, 30);
  f.settle(false);
  CHECK(f.take_all() == Fixture::numbers(0, 30));
  f.append_all(30, 40);
  f.settle(false);
  f.stop_and_start();
  CHECK(f.take_all() == Fixture::numbers(30, 40));
}

TEST_CASE("what is left in a segment that was deleted is said to be lost at a stop") {
  for (const bool is_fed : {false, true}) {
    Fixture f;
    f.append_all(0, 10);
    f.settle(is_fed);
    std::filesystem::remove_all(f.folder / "queue");
    f.append_all(10, 20);
    f.settle(is_fed);
    f.queue->finish();
    CHECK(f.dropped(Reason::damaged) == 10);
    CHECK(f.in_flight() == 10);
    CHECK(f.was_told("10 messages"));
    f.kill_all();
    CHECK(f.take_all() == Fixture::numbers(10, 20));
  }
}

TEST_CASE("one damaged file does not take the place of another") {
  Fixture f;
  for (int run = 0; run < 2; ++run) {
    f.append_all(0, 10);
    f.settle(false);
    f.stop_and_start();
    f.drop();
    std::ofstream(f.file("1.log")) << "this is something else, and longer than a header";
    f.kill_all();
    CHECK(f.take_all().empty());
  }
  CHECK(f.files() == std::vector<std::string>{"1.log.damaged", "1.log.damaged-2"});
}

TEST_CASE(
    "after the death of all, what was handled more than a second before does not come again") {
  Fixture f;
  f.append_all(0, 300);
  f.settle();
  CHECK(f.take(100) == Fixture::numbers(0, 100));
  f.settle();
  f.clock.now += 1s;
  f.settle();
  CHECK(f.take(50) == Fixture::numbers(100, 150));
  f.kill_all();
  CHECK(f.take_all() == Fixture::numbers(100, 300));
}

TEST_CASE("a sync that failed is tried again, and writes again what is in doubt") {
  Fixture f({.type = QueueOptions::Type::disk, .sync = 100ms});
  f.append_all(0, 10);
  f.settle(false);
  test::syncs().error = EIO;
  f.clock.now += 100ms;
  f.settle(false);
  test::syncs().error = 0;
  CHECK_THAT(f.queue->stuck(), Catch::Contains("may not survive a failure of power"));
  CHECK(f.queue->wake_at() == f.clock.now + 5s);
  f.clock.now += 5s;
  const int before = test::syncs().calls;
  f.settle(false);
  CHECK(test::syncs().calls == before + 1);
  CHECK(f.queue->stuck().empty());
  CHECK_FALSE(f.queue->wake_at());
  CHECK(f.take_all() == Fixture::numbers(0, 10));
}

TEST_CASE("a queue that drops gives way when the disk is full, and one that blocks waits") {
  for (const auto when_full :
       {QueueOptions::WhenFull::drop_newest, QueueOptions::WhenFull::block}) {
    Fixture f({.type = QueueOptions::Type::disk, .when_full = when_full});
    f.append_all(0, 5);
    f.settle(false);
    const test::FullDisk full(100);
    int came = 5;
    while (f.append(std::to_string(came) + std::string(10'000, '.'))) {
      ++came;
      f.settle(false);
    }
    CHECK_FALSE(f.queue->stuck().empty());
    const bool drops = when_full == QueueOptions::WhenFull::drop_newest;
    CHECK(f.queue->give_way() == drops);
    CHECK_FALSE(f.queue->give_way());
    CHECK(f.dropped(Reason::queue_full) == (drops ? static_cast<std::uint64_t>(came) - 5 : 0));
    CHECK(f.queue->is_moved() == drops);
    const auto& last = f.reporter.reported.back().message;
    CHECK((last.find("messages are dropped") != std::string::npos) == drops);
  }
}

TEST_CASE("files go as they are passed, however slow the handler is") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(30'000, '.');
  std::size_t most = 0;
  for (int i = 0; i < 120; ++i) {
    REQUIRE(f.append(large));
    f.settle();
    if (i >= 20) CHECK(f.take(1).size() == 1);
    most = std::max(most, f.files().size());
  }
  CHECK(most < 12);
}

TEST_CASE("a handler that hangs keeps no files of what is dropped") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  const std::string large(30'000, '.');
  REQUIRE(f.append(large));
  f.settle();
  const auto in_hand = f.hand_out();
  std::size_t most = 0;
  for (int i = 0; i < 150; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle();
    most = std::max(most, f.files().size());
  }
  CHECK(most < 22);
  f.finish(in_hand);
  const auto got = f.take_all();
  REQUIRE_FALSE(got.empty());
  CHECK(got.back() == "149" + large);
  CHECK(f.dropped(Reason::queue_full) + got.size() == 150);
  CHECK(f.dropped(Reason::damaged) == 0);
}

// ---- an overflow

TEST_CASE("an overflow that is not armed leaves messages to the handler, and makes no file") {
  Overflowing f;
  f.append_all(0, 100);
  f.settle();
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.take_direct() == Fixture::numbers(0, 100));
  CHECK_FALSE(std::filesystem::exists(f.folder / "queue"));
}

TEST_CASE("what waits when an overflow is armed comes first, then what came meanwhile") {
  Overflowing f;
  f.append_all(0, 50);
  CHECK(f.take_direct(10) == Fixture::numbers(0, 10));
  f.press();
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.said("in: the log is full of what waits for it, which is away: from now on it goes to") ==
        1);
  f.append_all(50, 60);
  CHECK(f.take_both() == Fixture::numbers(10, 60));
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.files().empty());
  CHECK(f.in_flight() == 0);
  CHECK(f.said("in -> it: all that overflowed to the disk is delivered") == 1);
  f.append_all(60, 70);
  CHECK(f.take_direct() == Fixture::numbers(60, 70));
}

TEST_CASE("while files have some, what comes goes behind them, also when the handler is there") {
  Overflowing f;
  const std::string large(100'000, '.');
  for (int i = 0; i < 40; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.press();
    f.settle();
  }
  f.queue->release();
  CHECK(f.queue->in_files() > 10);
  REQUIRE(f.append("last"));
  f.settle();
  CHECK(f.from->settled() == f.source_log->end());
  const auto got = f.take_both();
  REQUIRE(got.size() == 41);
  CHECK(got.back() == "last");
}

TEST_CASE("what comes while a handler takes the last of the files waits in the log, and is next") {
  Overflowing f;
  f.append_all(0, 20);
  f.press();
  f.settle();
  CHECK(f.queue->in_files() == 0);  // all of it is in the queue's log
  f.append_all(20, 30);
  f.settle();
  CHECK(f.from->settled() < f.source_log->end());
  CHECK(f.queue->is_armed());
  CHECK(f.take_direct().empty());
  CHECK(f.take() == Fixture::numbers(0, 20));
  f.settle();
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.take_direct() == Fixture::numbers(20, 30));
}

TEST_CASE("a worker that dies anywhere leaves an overflow as it was, in order and once") {
  Overflowing f(8 * MiB);
  Texts got;
  const auto note = [&](const Texts& some) {
    for (const auto& text : some) got.push_back(text.substr(0, text.find('.')));
  };
  int next = 0;
  for (int life = 0; life < 80; ++life) {
    for (int i = 0; i < 50; ++i, ++next)
      if (!f.append(std::to_string(next) + std::string(500, '.'))) --next, f.settle();
    if (life % 3 == 0) f.press();
    if (life % 5 == 0) f.queue->release();
    for (int step = 0; step < life % 7; ++step) {
      f.queue->advance(life % 4 > 0);
      if (life % 2) std::this_thread::sleep_for(1ms);
    }
    note(f.take(static_cast<std::size_t>(life % 5) * 30));
    if (f.queue->in_files() == 0 && f.to->tally().matched == f.to->tally().settled())
      note(f.take_direct(static_cast<std::size_t>(life % 6) * 10));
    f.crash();
  }
  note(f.take_both());
  CHECK(got == Fixture::numbers(0, next));
  CHECK(f.in_flight() == 0);
  CHECK(f.files().empty());
}

TEST_CASE("what overflowed before a stop, or a death of all, comes first in the next run") {
  Overflowing f;
  f.append_all(0, 200);
  f.press();
  f.settle();
  CHECK(f.take(50) == Fixture::numbers(0, 50));
  f.stop_and_start();
  CHECK(f.queue->is_armed());
  CHECK(f.in_flight() == 150);
  f.append_all(200, 210);
  CHECK(f.take_both() == Fixture::numbers(50, 210));
  f.append_all(0, 20);
  f.press();
  f.settle();
  f.kill_all();
  CHECK(f.take_both() == Fixture::numbers(0, 20));
  f.stop_and_start();
  CHECK_FALSE(f.queue->is_armed());
}

TEST_CASE("a full overflow takes no more, says so once, and goes on when there is room") {
  Overflowing f(200 * KiB);
  const std::string large(10'000, '.');
  for (int i = 0; i < 40; ++i) REQUIRE(f.append(std::to_string(i) + large));
  f.press();
  for (int i = 0; i < 5; ++i) f.settle();
  CHECK(f.queue->bytes_on_disk() <= 200 * KiB);
  CHECK(f.queue->stuck().find("what overflows fills all that may (200KiB") == 0);
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 1);
  CHECK(f.queue->wake_at());
  f.clock.now += 11s;
  f.settle();
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 2);
  CHECK(f.in_flight() == 40);
  const auto got = f.take_both();
  REQUIRE(got.size() == 40);
  for (int i = 0; i < 40; ++i) CHECK(got[static_cast<std::size_t>(i)] == std::to_string(i) + large);
  CHECK(f.dropped(Reason::queue_full) == 0);
}

TEST_CASE("where the disk takes nothing, a handler that is back gets all from the source's log") {
  Overflowing f;
  std::ofstream(f.folder / "queue") << "in the way";
  f.append_all(0, 5);
  f.press();
  f.settle();
  CHECK(f.queue->is_armed());
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 1);
  CHECK(f.take_both() == Fixture::numbers(0, 5));
  CHECK_FALSE(f.queue->is_armed());
}

TEST_CASE("a disk that takes no more for a while costs nothing") {
  Overflowing f;
  std::ofstream(f.folder / "queue") << "in the way";
  f.append_all(0, 5);
  f.press();
  f.settle();
  std::filesystem::remove(f.folder / "queue");
  f.clock.now += 6s;
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.said("in -> it: its overflow takes messages again") == 1);
  CHECK(f.take_both() == Fixture::numbers(0, 5));
}
