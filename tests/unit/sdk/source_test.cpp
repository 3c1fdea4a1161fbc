// SPDX-License-Identifier: Apache-2.0
//
// Sources, written with the C++ face.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <standpipe/testing.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace standpipe::testing;
using namespace std::chrono_literals;
using standpipe::testing::Pairs;

namespace {

using Clock = std::chrono::steady_clock;
using Woken = standpipe::Poll::Woken;

// Numbers, as far as there is credit.
class Numbers {
 public:
  static void describe(standpipe::Description& d) {
    d.name("numbers").version("1.0").summary("counts");
    d.option("end").integer().fallback("1000").summary("the last number");
  }
  explicit Numbers(const standpipe::Options& options)
      : host_(options.host()), end_(options.integer("end")) {
    if (end_ < 0) throw std::runtime_error("end: it has passed");
  }
  void open(std::string_view resume) {
    if (resume == "away") throw standpipe::disconnected("it is away");
    next_ = resume.empty() ? 0 : std::stoll(std::string(resume));
  }
  void poll(standpipe::Poll& p) {
    while (p.has_credit() && next_ < end_) {
      const auto text = std::to_string(next_);
      if (p.put(text, {{"parity", next_ % 2 ? "odd" : "even"}}) != standpipe::Put::ok) return;
      p.resume(std::to_string(++next_));
      last_ = p.sequence();
    }
    if (next_ >= end_) throw standpipe::fatal("there are no more numbers");
  }
  void committed(std::uint64_t sequence) {
    host_.info(std::to_string(sequence) + " of " + std::to_string(last_) + " are safe");
  }
  void close() { host_.info("closed"); }

 private:
  standpipe::Host host_;
  std::int64_t end_;
  std::int64_t next_ = 0;
  std::uint64_t last_ = 0;
};

// Says how it was woken.
class Waiting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("waiting").version("1.0").summary("waits");
    d.option("fd").integer().fallback("-1").summary("what it waits for");
    d.option("until").duration().fallback("1h").summary("how long");
  }
  explicit Waiting(const standpipe::Options& options)
      : fd_(static_cast<int>(options.integer("fd"))), until_(options.duration("until")) {}
  void poll(standpipe::Poll& p) {
    constexpr const char* kNames[] = {"ready", "due", "over"};
    const auto start = Clock::now();
    const auto woken = p.wait(fd_, start + until_);
    const bool is_early = Clock::now() < std::min(start + until_, p.deadline());
    const auto text = std::string(kNames[static_cast<int>(woken)]) + (is_early ? " early" : "");
    if (p.put(text) != standpipe::Put::ok) throw 1;
  }

 private:
  int fd_;
  std::chrono::nanoseconds until_;
};

// A message at once, and the next one in an hour.
class Seldom {
 public:
  static void describe(standpipe::Description& d) {
    d.name("seldom").version("1.0").summary("brings a message an hour");
  }
  explicit Seldom(const standpipe::Options&) {}
  void poll(standpipe::Poll& p) {
    while (p.has_credit() && p.wait(due_) == Woken::due) {
      if (p.put("tick") != standpipe::Put::ok) return;
      due_ += 1h;
    }
  }

 private:
  Clock::time_point due_ = Clock::now();
};

// The other half of a plugin that has a source, too.
class Checking {
 public:
  explicit Checking(const standpipe::Options& options) : end_(options.integer("end")) {}
  standpipe::Outcome handle(const standpipe::Message& m) {
    return m.size() <= static_cast<std::size_t>(end_) ? standpipe::Outcome::delivered
                                                      : standpipe::Outcome::filtered;
  }

 private:
  std::int64_t end_;
};

struct Pipe {
  Pipe() { REQUIRE(::pipe(fds) == 0); }
  ~Pipe() {
    (void)::close(fds[0]);
    (void)::close(fds[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int fds[2] = {-1, -1};
};

std::string woken(const Options& options, const Credit& credit) {
  Host host;
  auto waiting = Source::of<Waiting>(host, options);
  REQUIRE(waiting.open().ok());
  return waiting.poll(credit).messages.at(0).payload;
}

}  // namespace

TEST_CASE("a source class puts what it has credit for, and goes on where it said") {
  Host host;
  auto numbers = Source::of<Numbers>(host);
  REQUIRE(numbers.created.ok());
  REQUIRE(numbers.open().ok());
  const auto first = numbers.poll({.messages = 3});
  REQUIRE((first.ok() && first.messages.size() == 3));
  CHECK(first.messages[1].payload == "1");
  CHECK(first.messages[1].meta == Pairs{{"parity", "odd"}});
  CHECK(first.resume == "3");
  numbers.committed(2);
  numbers.close();
  CHECK(host.reported == std::vector<std::string>{"info: 2 of 3 are safe", "info: closed"});
  REQUIRE(numbers.open().ok());
  CHECK(numbers.poll({.messages = 1}).messages.at(0).payload == "3");
}

TEST_CASE("what was put does not wait for the next message") {
  Host host;
  auto seldom = Source::of<Seldom>(host);
  REQUIRE(seldom.open().ok());
  const auto start = Clock::now();
  CHECK(seldom.poll({.wait = 1h}).messages.size() == 1);
  CHECK(Clock::now() - start < 1min);
  CHECK(seldom.poll({.wait = 1ms}).messages.empty());
}

TEST_CASE("payloads and metadata use up the credit's bytes, and the last message may exceed it") {
  Host host;
  auto numbers = Source::of<Numbers>(host);
  REQUIRE(numbers.open("100").ok());
  CHECK(numbers.poll({.messages = 9, .bytes = 13}).messages.size() == 1);  // "100" "parity" "even"
  CHECK(numbers.poll({.messages = 9, .bytes = 14}).messages.size() == 2);
}

TEST_CASE("what a source throws is its answer, and what it had put is committed") {
  Host host;
  auto numbers = Source::of<Numbers>(host, {{"end", "2"}});
  const auto away = numbers.open("away");
  CHECK((away.disconnected() && away.reason == "it is away"));
  CHECK(numbers.open("x").disconnected());  // std::invalid_argument
  REQUIRE(numbers.open("0").ok());
  const auto polled = numbers.poll();
  CHECK((polled.fatal() && polled.reason == "there are no more numbers"));
  CHECK(polled.messages.size() == 2);
  CHECK(polled.resume == "2");
  CHECK(Source::of<Numbers>(host, {{"end", "-1"}}).created.reason == "end: it has passed");
}

TEST_CASE("a message that is too large is the source's to judge") {
  Host host;
  host.emit_bytes_max = 0;
  auto waiting = Source::of<Waiting>(host, {{"until", "1ms"}});
  REQUIRE(waiting.open().ok());
  const auto polled = waiting.poll({.wait = 1s});
  CHECK(polled.disconnected());
  CHECK(polled.reason == "the plugin threw something that is not a std::exception");
}

TEST_CASE("a wait ends when a descriptor is ready, a time has come, or the host wants it") {
  Pipe own, wake;
  const auto fd = std::to_string(own.fds[0]);
  CHECK(woken({{"until", "5ms"}}, {.wait = 1h}) == "due");
  CHECK(woken({{"until", "0"}}, {.wait = 1h}) == "due");
  CHECK(woken({}, {.wait = 5ms}) == "over");
  CHECK(woken({{"fd", fd}, {"until", "5ms"}}, {.wait = 1h, .wake_fd = wake.fds[0]}) == "due");
  REQUIRE(::write(own.fds[1], "x", 1) == 1);
  CHECK(woken({{"fd", fd}}, {.wait = 1h, .wake_fd = wake.fds[0]}) == "ready early");
  REQUIRE(::write(wake.fds[1], "x", 1) == 1);
  CHECK(woken({}, {.wait = 1h, .wake_fd = wake.fds[0]}) == "over early");
  CHECK(woken({{"fd", fd}}, {.wait = 1h, .wake_fd = wake.fds[0]}) == "over early");
}

TEST_CASE("a plugin has a handler and a source, with the same options") {
  const auto& both = plugin_of<Numbers, Checking>();
  CHECK((both.handler && both.source && both.abi_minor == 1));
  CHECK(standpipe::detail::view(both.name) == "numbers");
  Host host;
  Source source(both, host, {{"end", "1"}});
  REQUIRE(source.open().ok());
  CHECK(source.poll().messages.size() == 1);
  Host other;
  Handler handler(both, other, {{"end", "1"}});
  REQUIRE(handler.open().ok());
  CHECK(handler.handle({"a", "bc"}).outcomes ==
        std::vector<std::uint8_t>{STANDPIPE_DELIVERED, STANDPIPE_FILTERED});
}

TEST_CASE("a source says that it needs minor 1, and what it has not, it does not claim") {
  const auto& waiting = plugin_of<Waiting>();
  CHECK((waiting.abi_minor == 1 && !waiting.handler && waiting.source));
  CHECK((!waiting.source->committed && plugin_of<Numbers>().source->committed));
  Host host;
  host.has_accept = false;
  auto source = Source::of<Waiting>(host);
  REQUIRE(source.open().ok());
  const auto polled = source.poll();
  CHECK((polled.fatal() && polled.reason == "this router has no standpipe.accept/1"));
}
