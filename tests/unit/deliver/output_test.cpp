// SPDX-License-Identifier: Apache-2.0
#include "deliver/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "deliver/fifo_kit.h"
#include "deliver/senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::Output;
using test::framed, test::Reader;

namespace {

class Collecting final : public Reporter {
 public:
  void say(const Diagnostic& d) override { said.push_back(d.message); }
  std::vector<std::string> said;
};

// One delivery and its output, a FIFO; time is the test's. Verbs: send, pump.
class Fixture {
 public:
  Fixture() { output.attach(memory, link, 0); }

  void send(const std::string& payload) {
    const auto frame = framed(payload);
    const auto range = test::append_and_give_out(log, delivery, frame);
    output.send(delivery, range, frame.size());
    memory.commit();
  }
  // When it wants to be pumped again, from now on; -1ns: it does not.
  Nanoseconds pump() {
    output.pump(now);
    delivery.check_invariants();
    return output.wake_at() ? *output.wake_at() - now : -1ns;
  }
  // As often as it asks for it.
  std::vector<Nanoseconds> pauses(int count) {
    std::vector<Nanoseconds> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(pump());
      now += all.back();
    }
    return all;
  }
  std::uint64_t delivered() const { return delivery.tally().delivered; }

  test::TemporaryFolder folder;
  Collecting reporter;
  state::Memory memory{state::MemoryPlan{.memory_max = 16 * MiB}};
  keeper::Link link = keeper::Link::none();
  log::Arena arena{memory};
  log::Log log{arena, {.id = 0, .size_max = 4 * MiB, .readers = 1}};
  deliver::Delivery delivery{"in", "it", 0, log, 0};
  test::Senders senders{[this](auto) -> deliver::Delivery& { return delivery; }};
  Output output{plugin::FifoOutputRequest{.path = folder / "out"},
                senders.needs(reporter, 16 * KiB)};
  Nanoseconds now{10s};
};

}  // namespace

// ---- when it is pumped again

TEST_CASE_METHOD(Fixture, "what has nothing to send asks for nothing") { CHECK(pump() == -1ns); }

TEST_CASE_METHOD(Fixture, "a reader that does not come is looked for less and less often") {
  send("hello");
  CHECK(pauses(11) ==
        std::vector<Nanoseconds>{1ms, 2ms, 4ms, 8ms, 16ms, 32ms, 64ms, 128ms, 256ms, 512ms, 1s});
  CHECK(reporter.said ==
        std::vector<std::string>{output.path() + ": nobody reads it; messages wait"});
  CHECK(pauses(2) == std::vector<Nanoseconds>{1s, 1s});
  CHECK(reporter.said.size() == 1);
}

TEST_CASE_METHOD(Fixture, "an event before the next look does not put it off") {
  send("hello");
  pauses(8);
  const auto due = output.wake_at();
  now -= 1ms;
  pump();
  CHECK(output.wake_at() == due);
}

TEST_CASE_METHOD(Fixture, "once something has moved, the next look is soon") {
  send("hello");
  pauses(11);
  const Reader reader(output.path());
  CHECK(pauses(3) == std::vector<Nanoseconds>{1ms, 2ms, 4ms});
  CHECK(delivered() == 0);
  send("more");
  CHECK(pump() == 1ms);
}

TEST_CASE_METHOD(Fixture, "that nobody reads is said again after somebody did") {
  send("hello");
  pauses(11);
  {
    const Reader reader(output.path());
    pauses(11);
  }
  output.on_event(EPOLLERR, now);
  pauses(11);
  CHECK(std::count(reporter.said.begin(), reporter.said.end(),
                   output.path() + ": nobody reads it; messages wait") == 2);
}

TEST_CASE_METHOD(Fixture, "what the reader took is settled at the next look, and nothing is due") {
  send("hello");
  Reader reader(output.path());
  pump();
  CHECK(reader.read() == framed("hello"));
  now += pump();  // the lock that keeps other writers away is held a moment longer
  CHECK(pump() == -1ns);
  CHECK(delivered() == 1);
  CHECK(output.idle());
  CHECK(senders.settlements == 1);
}

TEST_CASE_METHOD(Fixture, "while a full log waits for it, a reader is looked at every 20 ms") {
  send("hello");
  Reader reader(output.path());
  pauses(11);
  now -= 1s;
  pump();
  REQUIRE(*output.wake_at() - now == 1s);
  output.hurry(now);
  CHECK(*output.wake_at() - now == 20ms);
  now += 20ms;
  CHECK(pauses(3) == std::vector<Nanoseconds>{20ms, 20ms, 20ms});
  (void)reader.read();
  now += pump();
  CHECK(pump() == -1ns);
  send("more");  // the log is not full any more
  CHECK(pauses(12).back() == 1s);
}

TEST_CASE_METHOD(Fixture, "hurry settles what was taken, and does not look for a missing reader") {
  output.hurry(now);
  CHECK_FALSE(output.wake_at());
  send("hello");
  pauses(11);
  const auto due = output.wake_at();
  output.hurry(now - 1s);
  CHECK(output.wake_at() == due);
  Reader reader(output.path());
  pump();
  (void)reader.read();
  output.hurry(now);
  CHECK(delivered() == 1);
}

TEST_CASE_METHOD(Fixture, "others have their turn after a mebibyte") {
  const Fd reader(::open(output.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(::fcntl(reader.get(), F_SETPIPE_SZ, 1 * MiB) == 1 * MiB);
  for (int i = 0; i < 20; ++i) send(std::string(64 * KiB - 4, 'x'));
  CHECK(output.pump(now));
  CHECK_FALSE(output.pump(now));  // the pipe is full
}

// ---- a peer

TEST_CASE_METHOD(Fixture,
                 "it knows since when nobody reads what it has, also once that was taken back") {
  CHECK_FALSE(output.unread_since());
  const auto since = now;
  send("hello");
  pauses(3);
  CHECK(output.unread_since() == since);
  CHECK(output.recall());
  pump();
  CHECK(output.unread_since() == since);
  send("again");
  Reader reader(output.path());
  now += 1s;
  pump();
  CHECK_FALSE(output.unread_since());
}

TEST_CASE_METHOD(Fixture, "a reader that dies with something unread is gone from then on") {
  send("hello");
  {
    const Reader reader(output.path());
    pauses(3);
    CHECK_FALSE(output.unread_since());
  }
  output.on_event(EPOLLERR, now);
  CHECK(output.unread_since() == now);
}

TEST_CASE_METHOD(Fixture, "when its reader dies, the next one is looked for at once") {
  send("hello");
  {
    const Reader reader(output.path());
    pauses(11);
  }
  output.on_event(EPOLLERR, now);
  CHECK(*output.wake_at() - now == 1ms);
  Reader next(output.path());
  pump();
  CHECK(next.read() == framed("hello"));
}

TEST_CASE_METHOD(Fixture, "all has moved when a reader that lives has it in its pipe") {
  CHECK(output.all_moved());
  send("hello");
  pump();
  CHECK_FALSE(output.all_moved());
  {
    const Reader reader(output.path());
    now += 1s;
    pump();
    CHECK(output.all_moved());
    send("more");
    CHECK_FALSE(output.all_moved());
    pump();
    CHECK(output.all_moved());
  }
  CHECK_FALSE(output.all_moved());
}

TEST_CASE_METHOD(Fixture, "an idle output looks whether somebody reads, every 5 s in the end") {
  std::vector<Nanoseconds> pauses;
  for (int i = 0; i < 5; ++i) pauses.push_back(output.visit(now) - now);
  CHECK(pauses == std::vector<Nanoseconds>{1s, 2s, 4s, 5s, 5s});
  CHECK(output.fd() == -1);
  const Reader reader(output.path());
  CHECK(output.visit(now) - now == 1s);  // one that comes may be one of many
  CHECK(output.fd() >= 0);
  CHECK(output.openings() == 1);
  CHECK(output.visit(now) - now == 2s);
}

TEST_CASE_METHOD(Fixture, "a plugin is not called when its answers might find no room") {
  CHECK(output.accepts());
  int batches = 0;
  for (; output.accepts() && batches < 1000; ++batches) output.expect();
  CHECK(batches > 0);
  CHECK_FALSE(output.accepts());
  output.expected();
  CHECK(output.accepts());
}

// ---- the hub ends

TEST_CASE_METHOD(Fixture, "at the end what waits for a reader goes back to its log") {
  send("one");
  send("two");
  pump();
  output.finish_frame();
  CHECK(output.idle());
  CHECK(delivery.redeliveries().size() == 2);
  CHECK(delivery.in_flight() == 2);
  CHECK_FALSE(memory.pending());
}

TEST_CASE_METHOD(Fixture, "at the end the message that has moved in part is still to be sent") {
  Reader reader(output.path());
  send(std::string(100 * KiB, 'x'));
  send("two");
  pump();
  output.finish_frame();
  CHECK(output.pending() == 1);
  CHECK(delivery.redeliveries().size() == 1);
  std::string got;
  for (int i = 0; i < 100 && !output.idle(); ++i) {
    got += reader.read();
    now += 1s;
    pump();
  }
  CHECK(got == framed(std::string(100 * KiB, 'x')));
  CHECK(delivered() == 1);
}

TEST_CASE_METHOD(Fixture, "at the end what a live reader has in its pipe counts as delivered") {
  Reader reader(output.path());
  send("one");
  send("two");
  pump();
  output.stop();
  CHECK(delivered() == 2);
  CHECK(output.idle());
  CHECK(reader.read() == framed("one") + framed("two"));
}

TEST_CASE_METHOD(Fixture, "at the end what a dead reader left does not count") {
  {
    const Reader reader(output.path());
    send("one");
    pump();
  }
  output.stop();
  CHECK(delivered() == 0);
  CHECK_FALSE(output.idle());
}

// ---- what outlives the worker

TEST_CASE_METHOD(Fixture, "a later worker makes the same output of what is known of it") {
  REQUIRE(::mkfifo((folder / "given").c_str(), 0640) == 0);
  Output given(plugin::FifoOutputRequest{.path = folder / "given",
                                         .mode = 0640,
                                         .create = false,
                                         .resend = false,
                                         .trust_others = true},
               senders.needs(reporter, 4 * KiB));
  given.attach(memory, link, 1);
  Output file(plugin::FileOutputRequest{.path = folder / "file"}, senders.needs(reporter, 0));
  file.attach(memory, link, 2);
  int found = 0;
  for (const auto& request : Output::requests_in(memory)) {
    ++found;
    if (const auto* it = std::get_if<plugin::FileOutputRequest>(&request)) {
      CHECK(it->path == folder / "file");
      continue;
    }
    const auto& fifo = std::get<plugin::FifoOutputRequest>(request);
    const bool is_given = fifo.path == folder / "given";
    CHECK(fifo.path == folder / (is_given ? "given" : "out"));
    CHECK(fifo.mode == (is_given ? 0640u : 0600u));
    CHECK(fifo.create == !is_given);
    CHECK(fifo.resend == !is_given);
    CHECK(fifo.trust_others == is_given);
  }
  CHECK(found == 3);
}

TEST_CASE_METHOD(Fixture, "an output that nobody has any more is idle when nothing is to be sent") {
  CHECK(Output::is_idle(memory, "/never/heard/of"));
  CHECK(Output::is_idle(memory, output.path()));
  send("hello");
  CHECK_FALSE(Output::is_idle(memory, output.path()));
}

TEST_CASE_METHOD(Fixture, "an output that was removed leaves no record") {
  const auto records = memory.records("").size();
  {
    Output file(plugin::FileOutputRequest{.path = folder / "file"}, senders.needs(reporter, 0));
    file.attach(memory, link, 1);
    CHECK(memory.records("").size() > records);
  }
  Output::remove(memory, folder / "file");
  memory.commit();
  CHECK(memory.records("").size() == records);
  CHECK(Output::requests_in(memory).size() == 1);
}
