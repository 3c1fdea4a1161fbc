// SPDX-License-Identifier: Apache-2.0
#include <standpipe/testing.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "sdk/speaking.h"

using namespace standpipe::testing;
using namespace std::chrono_literals;

namespace {

using Outcomes = std::vector<std::uint8_t>;
using Texts = std::vector<std::string>;

template <class Power>
const Power* power(const standpipe_host& host, std::string_view id) {
  return static_cast<const Power*>(host.extension(host.self, standpipe::detail::abi(id)));
}

standpipe_out text_out(std::string_view text) {
  return {sizeof(standpipe_out), 0, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
          nullptr};
}

// What ends a child that does it.
int signal_of(const std::function<void()>& what) {
  const auto child = ::fork();
  if (child == 0) {
    for (const int fault : {SIGSEGV, SIGBUS, SIGABRT}) (void)std::signal(fault, SIG_DFL);
    what();
    ::_exit(0);
  }
  int status = 0;
  (void)::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

// Written with the C++ face.
class Sorting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("sorting").version("1.0").summary("says what becomes of a message");
    d.option("word").fallback("?").summary("what it says");
    d.option("wait").duration().fallback("1.5s").summary("a duration");
    d.option("room").bytes().fallback("64KiB").minimum("1B").maximum("1MiB").summary("a size");
    d.option("tags").list().summary("a list");
    d.option("names").map().summary("a map");
    d.option("how").one_of({"fast", "slow"}).fallback("slow").summary("a choice");
  }
  explicit Sorting(const standpipe::Options& o)
      : host_(o.host()),
        facts_(std::to_string(o.duration("wait").count()) + ' ' + std::to_string(o.bytes("room")) +
               ' ' + o.text("how")) {
    for (const auto& tag : o.list("tags")) facts_ += ' ' + tag;
    for (const auto& [key, value] : o.map("names")) facts_ += ' ' + key + '=' + value;
    if (o.text("word") == "refuse") throw std::runtime_error("word: it refuses");
  }
  void open() { host_.info(facts_); }
  standpipe::Outcome handle(const standpipe::Message& m) {
    if (m.text() == "reject") throw standpipe::reject("never " + std::to_string(m.sequence()));
    if (m.text() == "retry")
      throw standpipe::retry("later, attempt " + std::to_string(m.attempt()));
    if (m.text() == "away") throw standpipe::disconnected("it is away");
    if (m.text() == "meta") host_.info(std::string(m.meta("topic").value_or("none")));
    return m.text() == "filter" ? standpipe::Outcome::filtered : standpipe::Outcome::delivered;
  }

 private:
  standpipe::Host host_;
  std::string facts_;
};

}  // namespace

TEST_CASE("a handler class is tested without a built plugin") {
  Host host;
  auto sorting = Handler::of<Sorting>(host);
  REQUIRE(sorting.created.ok());
  REQUIRE(sorting.open().ok());
  const auto answer = sorting.handle({"a", "filter", "reject", "b"});
  CHECK(answer.outcomes ==
        Outcomes{STANDPIPE_DELIVERED, STANDPIPE_FILTERED, STANDPIPE_REJECT, STANDPIPE_DELIVERED});
  CHECK(answer.settled == 4);
  CHECK(answer.reasons == Texts{"", "", "never 3", ""});
  CHECK(sorting.handle({"away"}).disconnected());
}

TEST_CASE("options are texts as in YAML, and checked as a hub does") {
  Host host;
  Handler defaults(plugin_of<Sorting>(), host);
  REQUIRE(defaults.open().ok());
  CHECK(host.reported == Texts{"info: 1500000000 65536 slow"});
  Host other;
  Handler given(plugin_of<Sorting>(), other,
                {{"wait", "2h"}, {"room", "1MiB"}, {"tags", "[a, b]"}, {"names", "{x: 1, y: 2}"}});
  REQUIRE(given.open().ok());
  CHECK(other.reported == Texts{"info: 7200000000000 1048576 slow a b x=1 y=2"});

  const auto mistake = [&](const Options& options) {
    CHECK_THROWS_AS(Handler(plugin_of<Sorting>(), host, options), std::invalid_argument);
  };
  mistake({{"wait", "5"}});
  mistake({{"room", "2MiB"}});
  mistake({{"how", "quick"}});
  mistake({{"tags", "a, b"}});
  mistake({{"nothing", "x"}});
}

TEST_CASE("what create refuses has a reason, and nothing else may be called then") {
  Host host;
  auto refusing = Handler::of<Sorting>(host, {{"word", "refuse"}});
  CHECK(refusing.created.fatal());
  CHECK(refusing.created.reason == "word: it refuses");
  CHECK_THROWS_AS(refusing.open(), std::logic_error);
}

TEST_CASE("metadata of a message and of its source arrive, but not from a host of minor 0") {
  const auto topic = [](Shape shape, const Pairs& own, const Pairs& shared) {
    Host host(shape);
    auto sorting = Handler::of<Sorting>(host);
    REQUIRE(sorting.open().ok());
    REQUIRE(
        sorting.handle_messages({{.payload = "meta", .meta = own}}, Feed{"in", 1, shared}).ok());
    return host.reported.back();
  };
  CHECK(topic(Shape::today, {{"topic", "own"}}, {{"topic", "shared"}}) == "info: own");
  CHECK(topic(Shape::larger, {}, {{"topic", "shared"}}) == "info: shared");
  CHECK(topic(Shape::minor_0, {{"topic", "own"}}, {{"topic", "shared"}}) == "info: none");
}

TEST_CASE("the same sequences come again in a replay, and another attempt in a retry") {
  Speaking plugin;
  Host host;
  Texts seen;
  plugin.handle = [&](const auto&, const standpipe_batch& batch, standpipe_result&) {
    seen.push_back(std::to_string(batch.messages[0].sequence) + '/' +
                   std::to_string(batch.attempt));
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  (void)handler.handle({"a"});
  (void)handler.replay();
  (void)handler.retry();
  (void)handler.handle({"b"});
  CHECK(seen == Texts{"1/1", "1/1", "1/2", "2/1"});
}

TEST_CASE("a note is the reason of one message, the batch's reason that of the last one") {
  Speaking plugin;
  Host host;
  plugin.handle = [](const auto&, const standpipe_batch& batch, standpipe_result& result) {
    std::memset(result.outcomes, STANDPIPE_REJECT, batch.count);
    standpipe::detail::write_reason(result.reason, "the last");
    result.notes[0] = {0, 5, "first"};
    result.note_count = 1;
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  CHECK(handler.handle({"a", "b", "c"}).reasons == Texts{"first", "", "the last"});
}

TEST_CASE("what is emitted takes effect with its message's outcome") {
  Speaking plugin;
  Host host;
  plugin.handle = [](const standpipe_host& h, const standpipe_batch&, standpipe_result& result) {
    const auto* emit = power<standpipe_emit>(h, STANDPIPE_EMIT_EXTENSION);
    for (const auto& [of, text] : {std::pair(0u, "zero"), {1u, "one"}, {2u, "two"}}) {
      const auto out = text_out(text);
      if (emit->emit(h.self, of, &out) == STANDPIPE_PUT_FULL) {
        result.at = of;
        break;
      }
    }
    result.outcomes[1] = STANDPIPE_RETRY;
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  const auto answer = handler.handle_messages({{"a", 10}, {"b", 11}, {"c", 15}});
  REQUIRE(answer.emitted.size() == 2);
  CHECK((answer.emitted[0].payload == "zero" && answer.emitted[0].of_sequence == 10));
  CHECK((answer.emitted[1].payload == "two" && answer.emitted[1].of_sequence == 15));
  host.emit_room = 1;
  CHECK(handler.handle({"a", "b", "c"}).settled == 1);
  CHECK(host.emitted.size() == 3);
}

TEST_CASE("taken messages are settled later, from any thread, once, and only by their ticket") {
  Speaking plugin;
  Host host;
  std::uint64_t ticket = 0;
  plugin.handle = [&](const auto&, const standpipe_batch& batch, standpipe_result& result) {
    std::memset(result.outcomes, STANDPIPE_TAKEN, batch.count);
    ticket = batch.ticket;
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  CHECK(handler.handle({"a", "b", "c"}).all(STANDPIPE_TAKEN));
  CHECK(host.taken() == 3);
  const auto* settle = power<standpipe_settle>(*host.abi(), STANDPIPE_SETTLE_EXTENSION);
  std::thread broker([&] {
    settle->settle(host.abi()->self, ticket, 0, 2, STANDPIPE_DELIVERED, {});
    settle->settle(host.abi()->self, ticket, 1, 2, STANDPIPE_REJECT, standpipe::detail::abi("no"));
    settle->settle(host.abi()->self, ticket + 7, 0, 1, STANDPIPE_DELIVERED, {});
  });
  CHECK(host.wait_for_settlements(3));
  broker.join();
  CHECK(host.taken() == 0);
  REQUIRE(host.settlements.size() == 3);
  CHECK((host.settlements[2].sequence == 3 && host.settlements[2].reason == "no"));
  CHECK(host.ignored == 2);
  (void)handler.handle({"d"});
  handler.close();
  settle->settle(host.abi()->self, ticket, 0, 1, STANDPIPE_DELIVERED, {});
  CHECK(host.ignored == 3);
}

TEST_CASE("a settlement that comes before the call returns counts when the message is taken") {
  Speaking plugin;
  Host host;
  plugin.handle = [&](const standpipe_host& h, const standpipe_batch& batch,
                      standpipe_result& result) {
    power<standpipe_settle>(h, STANDPIPE_SETTLE_EXTENSION)
        ->settle(h.self, batch.ticket, 0, 2, STANDPIPE_DELIVERED, {});
    result.outcomes[0] = STANDPIPE_TAKEN;
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  (void)handler.handle({"a", "b"});
  CHECK(host.settlements.size() == 1);
  CHECK(host.ignored == 1);
}

TEST_CASE("the clock is the test's, and tick is called when it was asked for") {
  Speaking plugin;
  Host host;
  std::vector<std::uint64_t> ticks;
  const auto start = host.steady;
  plugin.tick = [&](const auto&, std::uint64_t now, std::uint64_t& next) {
    ticks.push_back(now - start);
    next = now + 10'000'000'000;
    return STANDPIPE_OK;
  };
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  REQUIRE(handler.advance(25s).ok());
  CHECK(ticks == std::vector<std::uint64_t>{0, 10'000'000'000, 20'000'000'000});
  CHECK(host.now == kNoon + 25'000'000'000);
  plugin.tick = [](const auto&, std::uint64_t now, std::uint64_t& next) {
    next = now;
    return STANDPIPE_OK;
  };
  CHECK_THROWS_AS(handler.advance(10s), BrokenContract);
}

TEST_CASE("what throws, stores a wild `at` or writes too many notes breaks the contract") {
  Speaking plugin;
  Host host;
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  plugin.handle = [](const auto&, const auto&, auto&) -> std::uint32_t {
    throw std::runtime_error("out");
  };
  CHECK_THROWS_WITH(handler.handle({"a"}), "handle threw an exception: out");
  plugin.handle = [](const auto&, const auto&, standpipe_result& result) -> std::uint32_t {
    result.at = 7;
    return STANDPIPE_OK;
  };
  CHECK_THROWS_WITH(handler.handle({"a"}), "handle stored 7 as `at` of a batch of 1");
  plugin.handle = [](const auto&, const auto&, standpipe_result& result) -> std::uint32_t {
    result.note_count = 3;
    return STANDPIPE_OK;
  };
  CHECK_THROWS_WITH(handler.handle({"a"}), "handle wrote more notes than there is room for");
}

TEST_CASE("inputs are read-only, end at a guard page and are gone after the call") {
  Speaking plugin;
  Host host;
  const std::uint8_t* seen = nullptr;
  Handler handler(plugin.plugin(), host);
  REQUIRE(handler.open().ok());
  plugin.handle = [&](const auto&, const standpipe_batch& batch, const auto&) {
    seen = batch.messages[0].data;
    return STANDPIPE_OK;
  };
  REQUIRE(handler.handle({"abc"}).ok());
  CHECK(handler.lent_at(seen) ==
        "message 1 of the batch, which was lent for a call that has returned");
  CHECK(signal_of([&] { (void)*static_cast<const volatile std::uint8_t*>(seen); }) == SIGSEGV);
  const auto dies_of = [&](std::function<void(const standpipe_batch&)> what) {
    plugin.handle = [what](const auto&, const standpipe_batch& batch, const auto&) {
      what(batch);
      return STANDPIPE_OK;
    };
    return signal_of([&] { (void)handler.handle({"abc"}); });
  };
  CHECK(dies_of([](const auto& batch) {
          const_cast<std::uint8_t*>(batch.messages[0].data)[0] = 1;
        }) == SIGSEGV);
  CHECK(dies_of([](const auto& batch) {
          (void)*static_cast<const volatile std::uint8_t*>(batch.messages[0].data + 3);
        }) == SIGSEGV);
  CHECK(dies_of([](const auto& batch) {
          (void)*static_cast<const volatile std::uint8_t*>(batch.messages[0].data + 2);
        }) == 0);
}

TEST_CASE("hosts have structs of other sizes, and a plugin of the C++ face works with each") {
  const auto shape = GENERATE(Shape::today, Shape::minor_0, Shape::larger);
  Host host(shape);
  auto sorting = Handler::of<Sorting>(host, {{"tags", "[t]"}});
  REQUIRE(sorting.open().ok());
  CHECK(host.reported == Texts{"info: 1500000000 65536 slow t"});
  CHECK(sorting.handle({"a", "filter", "meta"}).outcomes ==
        Outcomes{STANDPIPE_DELIVERED, STANDPIPE_FILTERED, STANDPIPE_DELIVERED});
  CHECK(sorting.handle(std::vector<std::string>(1000, "a")).all(STANDPIPE_DELIVERED));
}

namespace {

// Numbers, from where it was told to go on.
struct Counting {
  const standpipe_host* host = nullptr;
  std::uint64_t next = 0;
  std::uint64_t committed = 0;

  static Counting& of(void* self) { return *static_cast<Counting*>(self); }
  static std::uint32_t poll(void* self, standpipe_credit* credit, standpipe_reason*) {
    auto& it = of(self);
    const auto* accept = power<standpipe_accept>(*it.host, STANDPIPE_ACCEPT_EXTENSION);
    for (std::uint32_t i = 0; i <= credit->messages; ++i) {  // one more than there is room for
      const auto text = std::to_string(it.next);
      const standpipe_pair pair{standpipe::detail::abi("n"), standpipe::detail::abi(text)};
      auto out = text_out(text);
      out.meta = &pair;
      out.meta_count = 1;
      if (accept->put(it.host->self, &out, nullptr) != STANDPIPE_PUT_OK) break;
      accept->resume(it.host->self, standpipe::detail::abi(std::to_string(++it.next)));
    }
    return STANDPIPE_OK;
  }
};

const standpipe_plugin& counting() {
  static const standpipe_source source = [] {
    standpipe_source s{};
    s.size = sizeof s;
    s.create = [](const standpipe_host* host, const standpipe_config*, void** self,
                  standpipe_reason*) -> std::uint32_t {
      *self = new Counting{host};
      return STANDPIPE_OK;
    };
    s.open = [](void* self, standpipe_string resume, standpipe_reason*) -> std::uint32_t {
      Counting::of(self).next = resume.size ? std::stoul(std::string(resume.data, resume.size)) : 0;
      return STANDPIPE_OK;
    };
    s.poll = Counting::poll;
    s.committed = [](void* self, std::uint64_t sequence) {
      Counting::of(self).committed = sequence;
    };
    s.destroy = [](void* self) { delete static_cast<Counting*>(self); };
    return s;
  }();
  static const standpipe_plugin plugin = [] {
    standpipe_plugin p{};
    p.size = sizeof p;
    p.source = &source;
    return p;
  }();
  return plugin;
}

}  // namespace

TEST_CASE("a source is polled within its credit, and goes on where it said") {
  Host host;
  Source source(counting(), host);
  REQUIRE(source.open().ok());
  const auto polled = source.poll({.messages = 2});
  CHECK(polled.ok());
  REQUIRE(polled.messages.size() == 2);
  CHECK((polled.messages[1].payload == "1" && polled.messages[1].sequence == 2));
  CHECK(polled.messages[1].meta == Pairs{{"n", "1"}});
  CHECK(polled.resume == "2");
  source.committed(2);
  source.close();
  REQUIRE(source.open().ok());
  CHECK(source.poll({.messages = 1}).messages.at(0).payload == "2");
  REQUIRE(source.open("40").ok());
  CHECK(source.poll({.messages = 1}).messages.at(0).payload == "40");
  CHECK(host.accepted.size() == 4);
  CHECK_THROWS_AS(Handler(counting(), host), std::invalid_argument);
}
