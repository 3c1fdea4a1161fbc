// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_reports.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "log/refusal.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::QueueReports;

namespace {

using Help = std::vector<std::string>;

class ReportsFixture {
 public:
  QueueReports of(bool is_overflow) {
    return {{"in", "it", "/data/queue/in/it", is_overflow}, clock, reporter};
  }
  std::size_t said() const { return reporter.reported.size(); }
  const Diagnostic& last() const { return reporter.reported.back(); }

  test::SettableClock clock;
  test::Listening reporter;
};

}  // namespace

TEST_CASE_METHOD(ReportsFixture, "why a queue is stuck is said once, and that it is well again") {
  auto reports = of(false);
  CHECK(reports.why_stuck().empty());
  reports.takes_again();
  CHECK(said() == 0);  // it always did
  reports.stuck("it is full", "make room");
  reports.stuck("it is full", "make room");
  REQUIRE(said() == 1);
  CHECK(last().code == "queue");
  CHECK(last().message ==
        "in -> it: its queue takes no more, so messages wait in the source's log, and then its "
        "writers do: it is full");
  CHECK(last().help == Help{"make room"});
  CHECK(reports.why_stuck() == "it is full");
  reports.stuck("it is fuller", "");
  CHECK(said() == 2);
  reports.takes_again();
  CHECK(reports.why_stuck().empty());
  CHECK(last().message == "in -> it: its queue takes messages again");
  reports.takes_again();
  CHECK(said() == 3);
}

TEST_CASE_METHOD(ReportsFixture, "a stuck overflow is said again while it lasts, later and later") {
  auto reports = of(true);
  for (int second = 0; second < 60; ++second, clock.now += 1s)
    reports.stuck("the disk is full", "");
  CHECK(said() == 3);  // at once, after 10 s and after 30 s
  CHECK(last().code == "overflow");
  CHECK(last().message.ends_with("its writers wait: the disk is full"));
  reports.takes_again();
  CHECK(last().message == "in -> it: its overflow takes messages again");
}

TEST_CASE_METHOD(ReportsFixture, "what drops says whether it is full or cannot be written") {
  auto reports = of(false);
  reports.dropped();
  CHECK(last().code == "queue_full");
  CHECK(last().message ==
        "in -> it: its queue holds all that it may, so messages are dropped (queue_full)");
  CHECK(last().help == Help{"raise `queue: { max_size, max_messages }` of handler it"});
  CHECK_FALSE(reports.has_failed());
  reports.failed("no space left", "");
  CHECK(reports.has_failed());
  reports.dropped();
  CHECK(last().message ==
        "in -> it: its queue cannot be written (no space left), so messages are dropped "
        "(queue_full)");
  CHECK(last().help.empty());
  reports.takes_again();
  CHECK_FALSE(reports.has_failed());
}

TEST_CASE_METHOD(ReportsFixture, "however often a queue drops, that is said later and later") {
  auto reports = of(false);
  for (int second = 0; second < 60; ++second, clock.now += 1s)
    for (int i = 0; i < 100; ++i) reports.dropped();
  CHECK(said() == 3);  // at once, after 10 s and after 30 s
}

TEST_CASE_METHOD(ReportsFixture, "a queue that is full and is not, in turn, says so now and then") {
  auto reports = of(false);
  for (int turn = 0; turn < 120; ++turn, clock.now += 500ms) {
    reports.stuck("it is full", "");
    reports.takes_again();
  }
  CHECK(said() == 2 * 3);
  reports.stuck("the disk has failed", "");
  CHECK(last().message.ends_with("the disk has failed"));
}

TEST_CASE_METHOD(ReportsFixture, "an overflow that was said to be armed is said to be through") {
  auto reports = of(true);
  reports.disarmed();
  CHECK(said() == 0);  // nobody heard that it was armed
  reports.armed("is held", "release it");
  CHECK(last().message ==
        "in: the log is full of what waits for it, which is held: from now on it goes to "
        "/data/queue/in/it, and the other handlers continue");
  CHECK(last().help == Help{"release it"});
  reports.stuck("others fill it", "");
  reports.disarmed();
  CHECK(last().message == "in -> it: all that overflowed to the disk is delivered");
  CHECK(reports.why_stuck().empty());
  const auto before = said();
  reports.takes_again();  // that needs no word any more
  reports.disarmed();
  CHECK(said() == before);
}

TEST_CASE_METHOD(ReportsFixture, "who finds an overflow armed by an earlier worker says its end") {
  auto reports = of(true);
  reports.was_armed();
  CHECK(said() == 0);
  reports.disarmed();
  CHECK(said() == 1);
}

TEST_CASE_METHOD(ReportsFixture, "what cannot be read is counted, or waits, and is said") {
  auto reports = of(false);
  reports.cannot_read(3, "/data/7.log");
  CHECK(last().severity == Severity::error);
  CHECK(last().message == "in -> it: 3 messages in /data/7.log cannot be read: dropped (damaged)");
  reports.missing(3, "/data/7.log", "/data/9.log");
  CHECK(last().message ==
        "in -> it: 3 messages after those of /data/7.log are in no file: dropped (damaged)");
  CHECK(last().help[0].starts_with("/data/9.log is missing, or"));
  reports.cannot_read_now(Failure("cannot open it", "close others"));
  CHECK(last().severity == Severity::warning);
  CHECK(last().message ==
        "in -> it: its queue cannot be read now, so its messages wait: cannot open it");
  CHECK(last().help == Help{"close others"});
}

TEST_CASE_METHOD(ReportsFixture, "what is left from run to run is said with its number") {
  auto reports = of(false);
  reports.found(1);
  CHECK(last().message ==
        "in -> it: 1 message of an earlier run waits in /data/queue/in/it, and comes first");
  reports.found(2000);
  CHECK(last().message ==
        "in -> it: 2,000 messages of an earlier run wait in /data/queue/in/it, and come first");
  reports.left(1);
  CHECK(last().message == "in -> it: 1 message waits in /data/queue/in/it for the next start");
  reports.left(0);
  CHECK(said() == 3);
}

TEST_CASE_METHOD(ReportsFixture, "of a file that is damaged it is said where it is now") {
  auto reports = of(false);
  reports.set_aside(Failure("1.log is no log", "look at it"), "1.log.damaged");
  CHECK(last().message ==
        "in -> it: 1.log is no log: it is 1.log.damaged now, and its messages are not delivered");
  CHECK(last().help == Help{"look at it"});
  reports.left_out(Failure("1.log is no log"), "1.log.damaged");
  CHECK(last().message ==
        "in -> it: 1.log is no log: it is 1.log.damaged now; its messages are dropped (damaged)");
  reports.left_out(Failure("1.log is no log"), "");
  CHECK(last().message == "in -> it: 1.log is no log; its messages are dropped (damaged)");
  reports.set_aside(log::NewerVersion("1.log is newer"), "1.log.newer");
  CHECK(last().message == "in -> it: 1.log is newer: it is 1.log.newer now, and has its messages");
  CHECK(last().help[0].find("mv -n 1.log.newer 1.log, and use the") != std::string::npos);
  reports.left_out(log::NewerVersion("1.log is newer"), "1.log.newer");
  CHECK(last().message.ends_with(
      ", and has its messages; this run counts them as dropped (damaged)"));
  reports.lost(3, "1.log");
  CHECK(last().message ==
        "in -> it: 3 messages of 1.log, which was removed, could not be delivered in time: dropped "
        "(damaged)");
}
