// SPDX-License-Identifier: Apache-2.0
#include "deliver/lock_turn.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::LockTurn, deliver::WriterLock;

namespace {

// One file that two writers have open. Verbs: begin, end, others_can (take the lock).
class Fixture {
 public:
  bool begin(Nanoseconds now) { return turn.begin(ours.get(), now) == LockTurn::Begun::yes; }
  std::optional<Nanoseconds> end(const LockTurn::Stream& stream, Nanoseconds now) {
    return turn.end(ours.get(), stream, now);
  }
  bool others_can() const {
    if (::flock(theirs.get(), LOCK_EX | LOCK_NB) != 0) return false;
    ::flock(theirs.get(), LOCK_UN);
    return true;
  }
  Fd open() const { return Fd(::open((folder / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }

  test::TemporaryFolder folder;
  Fd ours = open(), theirs = open();
  LockTurn turn;
};

constexpr LockTurn::Stream kIdle{};
constexpr LockTurn::Stream kMore{.has_more = true, .is_staged = true};
constexpr LockTurn::Stream kShared{.is_shared = true};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "a lone writer keeps the lock between pushes, and wakes up to give it back") {
  CHECK(begin(1s));
  CHECK(end(kMore, 1s) == std::nullopt);
  CHECK(end(kIdle, 1s) == 1s + WriterLock::kIdle);
  CHECK_FALSE(others_can());
  CHECK(end(kIdle, 1s + WriterLock::kIdle) == std::nullopt);
  CHECK(others_can());
}

TEST_CASE_METHOD(Fixture, "beside others the lock is held for one push") {
  CHECK(begin(1s));
  CHECK(end(kShared, 1s) == std::nullopt);
  CHECK(others_can());
}

TEST_CASE_METHOD(Fixture, "the lock is not released inside a frame, whoever waits") {
  CHECK(begin(1s));
  auto inside = kShared;
  inside.has_more = inside.inside_frame = true;
  CHECK(end(inside, 1s) == std::nullopt);
  inside.is_staged = true;
  CHECK(end(inside, 1s) == std::nullopt);
  CHECK_FALSE(others_can());
}

TEST_CASE_METHOD(Fixture,
                 "what moves at once or not at all may wait in the stage without the lock") {
  CHECK(begin(1s));
  auto waiting = kShared;
  waiting.has_more = waiting.is_staged = true;
  turn.staged(true);
  CHECK(end(waiting, 1s) == turn.retry_at());
  CHECK(others_can());
}

TEST_CASE_METHOD(Fixture,
                 "a lone writer ends a frame after its turn, and leaves the lock for a moment") {
  CHECK(begin(1s));
  CHECK_FALSE(turn.must_end_frame(false, 1s + WriterLock::kTurn - 1ns));
  CHECK_FALSE(turn.must_end_frame(true, 1s + WriterLock::kTurn));
  CHECK(turn.must_end_frame(false, 1s + WriterLock::kTurn));
  CHECK_FALSE(turn.must_end_frame(false, 1s + WriterLock::kTurn));  // it does already
  CHECK(turn.ends_frame());
  const LockTurn::Stream ended{.has_more = true};
  const auto again = end(ended, 2s);
  CHECK(others_can());
  CHECK(again == 2s + WriterLock::kYield);
  CHECK_FALSE(begin(2s));
  CHECK(begin(*again));
  CHECK_FALSE(turn.ends_frame());
}

TEST_CASE_METHOD(Fixture, "a lock that another writer has is tried again, ever more rarely") {
  REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
  CHECK(turn.begin(ours.get(), 1s) == LockTurn::Begun::others_have_it);
  CHECK(turn.retry_at() == 1s + WriterLock::kRetryFirst);
  CHECK(turn.begin(ours.get(), 1s) == LockTurn::Begun::later);
  auto now = turn.retry_at();
  for (int i = 0; i < 10; ++i) {
    CHECK(turn.begin(ours.get(), now) == LockTurn::Begun::others_have_it);
    now = turn.retry_at();
  }
  CHECK(turn.begin(ours.get(), now) == LockTurn::Begun::others_have_it);
  CHECK(turn.retry_at() - now == WriterLock::kRetryLast);
}

TEST_CASE_METHOD(Fixture,
                 "when the reader is gone the lock goes, unless a frame's rest is to come") {
  CHECK(begin(1s));
  turn.reader_gone(ours.get(), true);
  CHECK_FALSE(others_can());
  turn.reader_gone(ours.get(), false);
  CHECK(others_can());
}

TEST_CASE_METHOD(Fixture,
                 "the next worker keeps a lock that is needed inside a frame, and no other") {
  REQUIRE(::flock(ours.get(), LOCK_EX) == 0);  // by the worker before
  turn.recover(ours.get(), true, 1s);
  CHECK(turn.is_held());
  CHECK_FALSE(others_can());
  LockTurn other;
  other.recover(ours.get(), false, 1s);
  CHECK_FALSE(other.is_held());
  CHECK(others_can());
}
