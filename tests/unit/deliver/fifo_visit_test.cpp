// SPDX-License-Identifier: Apache-2.0
// FifoEndpoint: readers that wait to open its FIFO, and a FIFO that is removed or replaced, while
// nothing is to be sent.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <future>

#include "deliver/output.h"
#include "fifo_kit.h"
#include "give.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

using test::framed, test::Reader, test::Silent;

namespace {

class Visited {
 public:
  Visited()
      : memory_({.memory_max = 4 * MiB, .logs = 1, .deliveries = 1}),
        arena_(memory_),
        log_(arena_, {.id = 0, .size_max = 1 * MiB}),
        delivery_("in", "it", 0, log_, 0),
        senders([this](std::uint32_t) -> deliver::Delivery& { return delivery_; }),
        output(
            plugin::FifoOutputRequest{
                .path = folder / "out", .mode = 0600, .create = true, .resend = true},
            senders.needs(reporter, 16 * KiB)) {
    output.attach(memory_, link_, 0);
  }
  // Returns how long it would wait for the next.
  Nanoseconds visit() {
    const auto next = output.visit(now_);
    const auto pause = next - now_;
    now_ = next;
    return pause;
  }
  void send(const std::string& payload) {
    const auto frame = framed(payload);
    std::memcpy(log_.room(frame.size()).data(), frame.data(), frame.size());
    log_.filled(frame.size());
    const std::uint64_t all = 1;
    REQUIRE(log_.add_run(frame.size(), 1, 1, 1, {&all, 1}));
    ++delivery_.edit_tally().matched;
    memory_.commit();
    test::give_all(delivery_, output);
    now_ += 2s;
    (void)output.pump(now_);
  }
  void reader_dies() { output.on_event(EPOLLERR, now_); }

  test::TemporaryFolder folder;
  Silent reporter;

 private:
  state::Memory memory_;
  keeper::Link link_ = keeper::Link::none();
  log::Arena arena_;
  log::Log log_;
  deliver::Delivery delivery_;
  Nanoseconds now_{0};

 public:
  test::Senders senders;
  deliver::Output output;
};

}  // namespace

TEST_CASE("a plain reader that waits in open() is let in though nothing is to be sent") {
  Visited v;
  auto reader = std::async(std::launch::async, [path = v.output.path()] {
    return ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  });
  while (!v.output.fifo()->is_flowing()) v.visit();
  const Fd fd(reader.get());
  REQUIRE(fd);
  v.send("the first");
  std::string got(100, '\0');
  got.resize(static_cast<std::size_t>(::read(fd.get(), got.data(), got.size())));
  CHECK(got == framed("the first"));
}

TEST_CASE("nobody reads: it is looked for every second at first, and then every five") {
  Visited v;
  CHECK(v.visit() == 1s);
  CHECK(v.visit() == 2s);
  CHECK(v.visit() == 4s);
  CHECK(v.visit() == 5s);
  CHECK(v.visit() == 5s);
  CHECK_FALSE(v.output.fifo()->is_flowing());
  Reader reader(v.output.path());
  CHECK(v.visit() == 1s);
  CHECK(v.output.fifo()->is_flowing());
}

TEST_CASE(
    "a FIFO that is removed under its reader is made again, and the next reader comes there") {
  Visited v;
  {
    Reader first(v.output.path());
    v.visit();
    ::unlink(v.output.path().c_str());
    v.visit();
    struct stat there {};
    REQUIRE(::stat(v.output.path().c_str(), &there) == 0);
    CHECK(S_ISFIFO(there.st_mode));
    v.send("one");  // the reader that is there goes on
    CHECK(first.read() == framed("one"));
  }
  v.reader_dies();
  Reader next(v.output.path());
  v.visit();
  REQUIRE(v.output.fifo()->is_flowing());
  v.send("two");
  CHECK(next.read() == framed("two"));
}

TEST_CASE("a FIFO that is replaced while nobody reads and nothing is to be sent is opened anew") {
  Visited v;
  { Reader first(v.output.path()), visited((v.visit(), v.output.path())); }
  v.reader_dies();
  ::unlink(v.output.path().c_str());
  REQUIRE(::mkfifo(v.output.path().c_str(), 0600) == 0);
  Reader next(v.output.path());
  v.visit();
  v.send("to the new one");
  CHECK(next.read() == framed("to the new one"));
}

TEST_CASE(
    "a file in the place of an output's FIFO is reported once, left alone, and the FIFO made when "
    "it is gone") {
  Visited v;
  Reader reader(v.output.path());
  v.visit();
  ::unlink(v.output.path().c_str());
  std::ofstream(v.output.path()) << "precious";
  v.visit();
  v.visit();
  CHECK(v.reporter.reported == std::vector<std::string>{"output-failed"});
  std::string kept;
  std::ifstream(v.output.path()) >> kept;
  CHECK(kept == "precious");
  ::unlink(v.output.path().c_str());
  v.visit();
  struct stat there {};
  REQUIRE(::stat(v.output.path().c_str(), &there) == 0);
  CHECK(S_ISFIFO(there.st_mode));
}
