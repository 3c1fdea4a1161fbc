// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_progress.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::Delivery;
using deliver::Reason;
using worker::QueueProgress;

namespace {

// The numbers of a queue of "in" for "it", worker after worker. Verbs: come (messages, in the
// source's log), write (they are in a segment), feed, settle (in the queue's log), crash.
class ProgressFixture {
 public:
  ProgressFixture() { begin(); }

  void come(int count) {
    add(*source_log, count);
    from->edit_tally().matched += static_cast<std::uint64_t>(count);
    progress->commit();
  }
  // All that has come; it ends at byte 100 times the next number.
  bool write(std::uint64_t segment) {
    const auto count = progress->from().in_flight() - progress->from().saved();
    const auto& state = progress->state();
    return progress->wrote(segment, 100 * (state.next + count), count, source_log->end());
  }
  void feed(int count) {
    add(*log, count);
    progress->fed(static_cast<std::uint64_t>(count), 77);
  }
  void settle(int count) {
    for (int i = 0; i < count; ++i) {
      auto at = to->next();
      const auto piece = log->read(at, 0);
      REQUIRE(piece);
      const auto bytes = piece->bytes.size() / piece->count;
      const deliver::Range one{
          piece->begin, {piece->begin.position + bytes, piece->begin.sequence + 1}, 1};
      to->give_out(one);
      to->edit_tally().delivered += 1;
      to->finish(one);
    }
    progress->commit();
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    end();
    memory = std::move(next);
    begin();
  }
  std::uint64_t dropped(Reason reason) const {
    return from->tally().dropped[static_cast<std::size_t>(reason)];
  }
  void check() const {
    progress->check_invariants("in -> it");
    from->check_invariants();
    to->check_invariants();
  }

  std::unique_ptr<state::Memory> memory = std::make_unique<state::Memory>(state::MemoryPlan{
      .memory_max = 16 * MiB, .logs = 1, .deliveries = 1, .handlers = 1, .queues = 1});
  std::optional<log::Arena> arena;
  std::optional<log::Log> source_log, log;
  std::optional<Delivery> from, to;
  std::optional<QueueProgress> progress;

 private:
  static void add(log::Log& to, int count) {
    const auto frame = test::framed("abc");
    for (int i = 0; i < count; ++i) {
      const auto room = to.room(frame.size());
      REQUIRE(room.size() >= frame.size());
      std::memcpy(room.data(), frame.data(), frame.size());
      to.filled(frame.size());
      const std::uint64_t set = 1;
      REQUIRE(to.add_run(frame.size(), 1, 1, 1, {&set, 1}));
    }
  }
  void begin() {
    arena.emplace(*memory, log::ArenaBudget{16 * MiB, 2});
    source_log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    log.emplace(*arena, log::LogOptions{.id = 1, .size_max = 1 * MiB, .readers = 1});
    from.emplace("in", "it", 0, *source_log, 0);
    to.emplace("in", "it", 1, *log, 0, Delivery::Of::queue);
    progress.emplace("in", "it", *from, *to);
    memory->commit();
    arena->forget_unclaimed();
  }
  void end() {
    progress.reset();
    to.reset();
    from.reset();
    log.reset();
    source_log.reset();
    arena.reset();
  }
};

}  // namespace

TEST_CASE_METHOD(ProgressFixture,
                 "a message is counted by the files, and then by the queue's log") {
  progress->begin({}, 5s);
  come(10);
  CHECK(write(1));
  CHECK(progress->in_files() == 10);
  CHECK(from->saved() == 10);
  check();
  feed(4);
  CHECK(progress->in_files() == 6);
  CHECK(from->saved() == 6);
  CHECK(to->tally().matched == 4);
  CHECK(progress->waiting() == 10);
  settle(3);
  CHECK(progress->waiting() == 7);
  check();
}

TEST_CASE_METHOD(ProgressFixture, "what is fed next is in the first segment that nobody has read") {
  progress->begin({}, 5s);
  come(2);
  CHECK(write(1));
  CHECK(progress->state().read_segment == 1);
  come(3);
  CHECK_FALSE(write(3));
  CHECK(progress->state().segment == 3);
  CHECK(progress->state().read_segment == 1);
  feed(2);
  progress->read_on_in(3);
  CHECK(progress->state().read_offset == 0);
  CHECK(progress->state().boundary == log->end().position.bytes);
}

TEST_CASE_METHOD(ProgressFixture, "reading that has come to the end goes on with what is written") {
  progress->begin({}, 5s);
  come(2);
  REQUIRE(write(1));
  feed(2);
  progress->read_on_at_end();
  CHECK(progress->state().read_segment == 1);
  CHECK(progress->state().read_offset == progress->state().end_bytes);
  progress->leave_segment();
  progress->read_on_at_end();
  CHECK(progress->state().read_segment == 0);
  come(1);
  CHECK(write(3));  // so it is what is read next
}

TEST_CASE_METHOD(ProgressFixture, "the handler is through with all before the settled number") {
  progress->begin({}, 5s);
  CHECK(progress->settled_number() == 1);
  come(10);
  REQUIRE(write(1));
  feed(4);
  CHECK(progress->settled_number() == 1);
  settle(3);
  CHECK(progress->settled_number() == 4);
  settle(1);
  CHECK(progress->settled_number() == 5);
}

TEST_CASE_METHOD(ProgressFixture,
                 "what was passed over counts as settled when all before it is, and not sooner") {
  progress->begin({}, 5s);
  come(10);
  REQUIRE(write(1));
  feed(2);
  progress->pass_over(6, Reason::queue_full);
  progress->commit();
  CHECK(dropped(Reason::queue_full) == 3);
  CHECK(progress->settled_number() <= 1);
  feed(1);
  settle(3);
  CHECK(progress->settled_number() < 7);  // it cannot tell while the log has messages
  log->trim(to->settled());
  progress->forget_skipped();
  progress->commit();
  CHECK(progress->settled_number() == 7);
  check();
}

TEST_CASE_METHOD(ProgressFixture, "a run begins with what the files have of earlier ones") {
  progress->begin({.segment = 20, .end_bytes = 500, .next = 31, .read_segment = 10, .fed = 12}, 5s);
  progress->commit();
  CHECK(progress->in_files() == 19);
  CHECK(from->saved() == 19);
  CHECK(progress->state().armed == 1);
  CHECK(progress->settled_number() == 12);
  check();
}

TEST_CASE_METHOD(ProgressFixture,
                 "a worker that follows has the last commit, and nothing after it") {
  progress->begin({}, 5s);
  progress->arm(7s);
  come(10);
  REQUIRE(write(1));
  progress->pass_over(4, Reason::damaged);
  progress->leave_segment();
  crash();
  CHECK(progress->state().next == 11);
  CHECK(progress->state().fed == 1);
  CHECK(progress->state().segment == 1);
  CHECK(progress->state().since_ns == 7'000'000'000);
  CHECK(dropped(Reason::damaged) == 0);
  check();
}

TEST_CASE_METHOD(ProgressFixture,
                 "a queue that is retired keeps its numbers, and names no segment") {
  progress->begin({}, 5s);
  come(3);
  REQUIRE(write(1));
  CHECK_FALSE(QueueProgress::has_none_in_files(*memory, "in", "it"));
  feed(3);
  settle(3);
  progress->retire();
  CHECK(progress->state().segment == 0);
  CHECK(progress->state().read_segment == 0);
  CHECK(progress->state().next == 4);
  CHECK(QueueProgress::has_none_in_files(*memory, "in", "it"));
  CHECK(QueueProgress::has_none_in_files(*memory, "in", "nobody"));
}
