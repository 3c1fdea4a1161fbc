// SPDX-License-Identifier: Apache-2.0
#include "cli/receiver.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>

#include "console.h"
#include "fifo_fixture.h"

using namespace standpipe::cli;
using namespace std::chrono_literals;
using kit::Console;
using kit::Fifo;
using kit::frame;

namespace {

// A reader and a writer that stay: what was written waits for whoever comes.
struct Held : Fifo {
  explicit Held(const std::string& bytes) { kit::write_all(ends, bytes); }
  std::string rest() { return kit::read_all(Fifo::open_reader()); }
  standpipe::Fd ends{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
};

}  // namespace

TEST_CASE("so many messages as asked are printed, and the rest stays") {
  Held fifo(frame("one") + frame("two") + frame("three"));
  Console c;
  CHECK(c.run({"recv", fifo.path, "--count", "2"}) == 0);
  CHECK(c.out() == "one\ntwo\n");
  CHECK(c.err().empty());
  CHECK(fifo.rest() == frame("three"));
}

TEST_CASE("too few messages in time are a failure, with their number") {
  Held fifo(frame("one"));
  Console c;
  CHECK(c.run({"recv", fifo.path, "--count", "2", "--timeout", "50ms"}) == 1);
  CHECK(c.out() == "one\n");
  CHECK(c.err() == "error: no message came for 50ms; got 1 of 2\n");
}

TEST_CASE("without a count, the end of messages is no failure") {
  Held fifo(frame("one"));
  Console c;
  CHECK(c.run({"recv", fifo.path, "--timeout", "50ms", "--json"}) == 0);
  CHECK(c.out() == "{\"size\":3,\"text\":\"one\"}\n");
  CHECK(c.err() == "info  no message came for 50ms\n");
}

TEST_CASE("plain text is explained") {
  Held fifo("hello\n");
  Console c;
  CHECK(c.run({"recv", fifo.path}) == 1);
  CHECK(c.out().empty());
  CHECK(c.err() ==
        "error: " + fifo.path +
            ": a frame claims 1,819,043,176 bytes (limit 16,777,216)\n"
            "  note: it begins with 68 65 6c 6c 6f 0a  hello.\n"
            "  note: its length is the text \"hell\": a writer sends plain text, not frames\n"
            "  note: if another reader was at this FIFO, it may have taken the beginning of this "
            "frame\n"
            "  help: use `standpipe send`, or put 4 bytes with the length (little endian) before "
            "each message\n");
}

TEST_CASE(
    "text after a frame is explained as text between frames, and the beginning is not missing") {
  Held fifo(frame("ok") + "hello\n");
  Console c;
  CHECK(c.run({"recv", fifo.path}) == 1);
  CHECK(c.out() == "ok\n");
  CHECK(c.err().find("a writer prints text between its frames, or several write at once") !=
        std::string::npos);
  CHECK(c.err().find("another reader") == std::string::npos);
}

TEST_CASE("a frame that nobody finishes is reported when the time is over") {
  Held fifo(frame("0123456789").substr(0, 7));
  Console c;
  CHECK(c.run({"recv", fifo.path, "--timeout", "50ms"}) == 1);
  CHECK(c.err() ==
        "error: no message came for 50ms; a frame is incomplete: 7 bytes of 14 came\n  help: does "
        "anybody write to " +
            fifo.path + "?\n");
}

TEST_CASE("a truncated frame is reported, and reception goes on") {
  Fifo fifo;
  Console c;
  std::thread writers([&] {
    auto writer = fifo.open_writer();  // waits for the reader
    kit::write_all(writer, frame("0123456789").substr(0, 7));
    writer.reset();
    while (c.err().empty()) std::this_thread::sleep_for(1ms);
    kit::write_all(fifo.open_writer(), frame("after"));
  });
  const auto status = c.run({"recv", fifo.path, "--count", "1", "--timeout", "10s"});
  writers.join();
  CHECK(status == 0);
  CHECK(c.out() == "after\n");
  CHECK(c.err() ==
        "warning: " + fifo.path + ": a frame was truncated: its writer left after 7 bytes of 14\n");
}

TEST_CASE("an interruption ends it after the frame at hand, with success") {
  Held fifo(frame("one") + frame("two").substr(0, 5));
  Console c;
  const Interruption blocks_signals_here;  // and in the thread, so that they come to the receiver
  std::thread operator_thread([&] {
    while (standpipe::bytes_waiting(fifo.ends.get()) > 0) std::this_thread::sleep_for(1ms);
    ::kill(::getpid(), SIGTERM);
    std::this_thread::sleep_for(30ms);
    kit::write_all(fifo.ends, frame("two").substr(5) + frame("three"));
  });
  const auto status = c.run({"recv", fifo.path});
  operator_thread.join();
  CHECK(status == 0);
  CHECK(c.out() == "one\ntwo\n");
  CHECK(fifo.rest() == frame("three"));
}

TEST_CASE("no message is taken for an output that nobody reads") {
  Held fifo("");
  Console c;
  auto pipe = standpipe::Pipe::make(4096);
  c.streams.out = StandardOutput(pipe.write_end.get());
  pipe.read_end.reset();
  CHECK(c.run({"recv", fifo.path}) == 1);  // at once, without a message
  CHECK(c.err() == "error: cannot write to standard output: nobody reads it any more\n");
}

TEST_CASE("eight workers get each message once and whole, large ones too") {
  Held fifo("");
  constexpr int kWorkers = 8, kMessages = 300;
  std::vector<std::string> sent;
  for (int i = 0; i < kMessages; ++i)
    sent.push_back(std::to_string(i) + std::string(i % 10 ? 50 : 100'000, 'x'));
  std::vector<std::unique_ptr<Console>> consoles;
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    auto& c = *consoles.emplace_back(std::make_unique<Console>());
    workers.emplace_back([&] { c.run({"recv", fifo.path, "--shared", "--timeout", "1s"}); });
  }
  for (const auto& message : sent) kit::write_all(fifo.ends, frame(message));
  for (auto& w : workers) w.join();
  std::vector<std::string> got;
  int at_work = 0;
  for (const auto& c : consoles) {
    const auto before = got.size();
    std::string_view rest;
    const auto out = c->out();
    for (rest = out; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
      got.emplace_back(rest.substr(0, rest.find('\n')));
    at_work += got.size() > before;
    CHECK(c->err() == "info  no message came for 1s\n");
  }
  std::sort(got.begin(), got.end());
  std::sort(sent.begin(), sent.end());
  CHECK(got == sent);
  CHECK(at_work > 1);
  CHECK(kit::mode_of(fifo.path + ".lock") == 0600);
}

TEST_CASE("something else in the lock's place is reported") {
  Held fifo(frame("one"));
  const auto lock = fifo.path + ".lock";
  REQUIRE(::mkdir(lock.c_str(), 0700) == 0);
  Console c;
  CHECK(c.run({"recv", fifo.path, "--shared"}) == 1);
  CHECK(c.err() ==
        "error: " + lock +
            " is not a regular file, so it cannot be the workers' lock\n  help: mv it away\n");
  CHECK(fifo.rest() == frame("one"));
}
