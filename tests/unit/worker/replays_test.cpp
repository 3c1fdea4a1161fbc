// SPDX-License-Identifier: Apache-2.0
// Replays of dead letters by whole hubs, worker after worker.
#include "worker/replays.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.h"
#include "deliver/dead_letters.h"
#include "eventually.h"
#include "worker/commit_killer.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

using Texts = std::vector<std::string>;

// A plugin that rejects what it is told to, and writes down the rest.
class Choosy : public test::PluginInside {
 public:
  Choosy()
      : PluginInside("choosy", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                                nullptr, close, destroy, nullptr, nullptr}) {
    it() = this;
  }
  bool rejects = true;
  bool wants_later = false;
  std::map<std::string, int> got;

 private:
  static Choosy*& it() {
    static Choosy* it = nullptr;
    return it;
  }
  static std::uint32_t create(const standpipe_host*, const standpipe_config*, void** self,
                              standpipe_reason*) {
    *self = it();
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void*, standpipe_reason*) { return STANDPIPE_OK; }
  static void close(void*) {}
  static void destroy(void*) {}
  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
    auto& me = *static_cast<Choosy*>(self);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const auto& m = message(*batch, i);
      const std::string text(reinterpret_cast<const char*>(m.data), m.size);
      result->outcomes[i] = static_cast<std::uint8_t>(me.rejects       ? STANDPIPE_REJECT
                                                      : me.wants_later ? STANDPIPE_RETRY
                                                                       : STANDPIPE_DELIVERED);
      if (result->outcomes[i] == STANDPIPE_DELIVERED) ++me.got[text];
    }
    return STANDPIPE_OK;
  }
};

// A hub with one source and one handler. Verbs: begin (a worker), reject (so that there are
// letters), replay, finish (the replay), stop.
class Kit {
 public:
  Kit() {
    options.data_dir = folder / "data";
    options.memory_max = 16 * MiB;
    options.sources.push_back({.name = "in", .path = folder / "in"});
    deliver::HandlerOptions handler;
    handler.name = "it";
    handler.plugin = &choosy.plugin;
    handler.backoff_initial = 1ms;
    options.handlers.push_back(handler);
    match::RouteOptions route;
    route.name = "all";
    route.from = {0};
    route.to = {0};
    options.routes.push_back(route);
  }
  ~Kit() { test::CommitKiller::disarm(); }
  void begin() {
    end();
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options, clock, reporter, *link);
    (void)hub->start(5s);
    hub->begin_for_good();
  }
  void end() {
    hub.reset();
    link.reset();
  }
  bool until(const std::function<bool()>& done) {
    int rounds = 0;
    return test::eventually(done, [&] {
      hub->round();
      if (++rounds > 50) std::this_thread::sleep_for(100us);  // the letters' thread has its time
    });
  }
  void send(const std::string& payload) {
    if (!writer) writer = Fd(::open((folder / "in").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
    const auto frame = std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
    REQUIRE(::write(writer.get(), frame.data(), frame.size()) ==
            static_cast<ssize_t>(frame.size()));
  }
  // So many messages become letters.
  void reject(int messages) {
    choosy.rejects = true;
    const auto before = tally().dead_lettered;
    for (int i = 0; i < messages; ++i) send(std::to_string(i));
    REQUIRE(
        until([&] { return tally().dead_lettered == before + static_cast<unsigned>(messages); }));
    choosy.rejects = false;
  }
  deliver::Tally tally() const { return line().tally; }
  deliver::Account::Line line() const {
    for (const auto& line : hub->account().lines)
      if (line.handler == "it") return line;
    return {};
  }
  std::string ask(const std::string& request) const { return *hub->answer(request); }
  std::string replay(const std::string& words = "0 ") {
    auto number = ask("dead replay " + words);
    number.pop_back();
    return number;
  }
  // How it ends: "done 3 0 0 0" and the reasons.
  std::string finish(const std::string& number) {
    const bool is_over = until([&] {  // a kill on the way is for the caller
      const auto state = ask("dead replayed " + number);
      return state.starts_with("done") || state.starts_with("cancelled");
    });
    REQUIRE(is_over);
    return ask("dead replayed " + number);
  }
  // Payloads of the letters, and who refused them.
  Texts letters() const {
    Texts all;
    deliver::DeadLetterReader reader(options.data_dir);
    while (const auto letter = reader.next())
      all.push_back(std::string(letter->handler) + ' ' +
                    std::string(reinterpret_cast<const char*>(letter->payload.data()),
                                letter->payload.size()));
    return all;
  }
  // As an earlier run of the hub left it.
  void put_letter(std::string_view source, std::string_view handler, const std::string& payload) {
    deliver::DeadLetters letters(options.data_dir, 99, reporter);
    const deliver::DeadLetter letter{.source = source,
                                     .handler = handler,
                                     .sequence = ++put_,
                                     .payload = std::as_bytes(std::span(payload))};
    REQUIRE_FALSE(letters.put({&letter, 1}));
  }
  void stop() {
    keeper.want_stop();
    hub->run();
  }
  void check_account() const {
    const auto account = hub->account();
    CHECK(account.closes());
    CHECK(account.sources[0].counters.accepted == line().tally.matched);
  }

  test::TemporaryFolder folder;
  Choosy choosy;
  config::HubOptions options;
  SystemClock clock;
  test::Quiet reporter;
  test::ToyKeeper keeper;
  std::unique_ptr<keeper::Link> link;
  std::unique_ptr<worker::Hub> hub;
  Fd writer;

 private:
  std::uint64_t put_ = 0;
};

}  // namespace

TEST_CASE("letters are replayed to the handler that had refused them, and leave") {
  Kit kit;
  kit.begin();
  kit.reject(20);
  REQUIRE(kit.letters().size() == 20);
  CHECK(kit.finish(kit.replay()) == "done 20 0 0 0\n");
  CHECK(kit.letters().empty());
  CHECK(kit.choosy.got.size() == 20);
  CHECK(kit.tally().delivered == 20);
  CHECK(kit.tally().matched == 40);
  kit.check_account();
  CHECK(kit.finish(kit.replay()) == "done 0 0 0 0\n");  // nothing is left
  CHECK_FALSE(std::filesystem::exists(kit.options.data_dir + "/dead-letters-replayed.log"));
}

TEST_CASE(
    "a message that is refused again is a new letter, and is not replayed with the old ones") {
  Kit kit;
  kit.begin();
  kit.reject(5);
  kit.choosy.rejects = true;
  CHECK(kit.finish(kit.replay()) == "done 0 5 0 0\n");
  CHECK(kit.letters().size() == 5);
  kit.check_account();
  CHECK(kit.finish(kit.replay()) == "done 0 5 0 0\n");
  kit.choosy.rejects = false;
  CHECK(kit.finish(kit.replay()) == "done 5 0 0 0\n");
  CHECK(kit.letters().empty());
}

TEST_CASE("only what fits the filter is replayed") {
  Kit kit;
  kit.begin();
  kit.reject(3);
  CHECK(kit.finish(kit.replay("0 reason=crashed")) == "done 0 0 0 0\n");
  deliver::DeadLetterReader reader(kit.options.data_dir);
  (void)reader.next();
  const auto id = deliver::letter_id(*reader.next());
  CHECK(kit.finish(kit.replay("0 id=" + id)) == "done 1 0 0 0\n");
  CHECK(kit.letters() == Texts{"it 0", "it 2"});
}

TEST_CASE("letters that nobody gets now stay, and it is said why") {
  Kit kit;
  kit.begin();
  kit.end();
  kit.put_letter("in", "gone", "a");
  kit.put_letter("gone", "it", "b");
  kit.put_letter("in", "it", "c");
  kit.begin();
  (void)kit.ask("handler hold it");
  CHECK(kit.finish(kit.replay()) ==
        "done 0 0 3 0\n"
        "1\thandler it is held: held by a person\n"
        "1\tthere is no handler gone any more\n"
        "1\tthere is no source gone any more\n");
  CHECK(kit.letters().size() == 3);
  (void)kit.ask("handler retry it");
  kit.choosy.rejects = false;
  CHECK_THAT(kit.finish(kit.replay()), Catch::StartsWith("done 1 0 2 0\n"));
  CHECK(kit.letters() == Texts{"gone a", "it b"});
}

TEST_CASE("a handler that is held meanwhile gets no more, and what it had not had stays") {
  Kit kit;
  kit.begin();
  kit.reject(10);
  kit.choosy.wants_later = true;
  const auto number = kit.replay();
  REQUIRE(kit.until([&] { return kit.line().in_flight == 10; }));
  (void)kit.ask("handler hold it");
  CHECK(kit.finish(number) == "done 0 0 10 0\n10\thandler it is held: held by a person\n");
  CHECK(kit.letters().size() == 10);
  kit.check_account();
}

TEST_CASE("beside a replay there is no other one, and no purge") {
  Kit kit;
  kit.begin();
  kit.reject(3);
  const auto number = kit.replay("3600000000000 ");  // one an hour
  REQUIRE(kit.until([&] { return kit.tally().delivered == 1; }));
  CHECK_THROWS_WITH(kit.ask("dead replay 0 "), Contains("being replayed already"));
  CHECK_THROWS_WITH(kit.ask("dead purge "), Contains("none are purged"));
  CHECK_THROWS_WITH(kit.ask("dead replayed 7"), Contains("nothing is known of the replay"));
  CHECK_THROWS_WITH(kit.ask("dead replay x "), Contains("interval"));
  (void)kit.ask("dead cancel");
  CHECK(kit.finish(number) == "cancelled 1 0 2 0\n2\tthe replay was ended\n");
  CHECK_THROWS_WITH(kit.ask("dead cancel"), Contains("no dead letters are being replayed"));
  CHECK(kit.letters().size() == 2);
  kit.check_account();
}

TEST_CASE("a rate is kept") {
  Kit kit;
  kit.begin();
  kit.reject(4);
  const auto began = SystemClock().steady();
  CHECK(kit.finish(kit.replay("20000000 ")) == "done 4 0 0 0\n");  // one in 20 ms
  CHECK(SystemClock().steady() - began >= 60ms);
}

TEST_CASE("many letters go round in pieces") {
  Kit kit;
  kit.begin();
  for (int i = 0; i < 30; ++i) kit.reject(100);
  CHECK(kit.finish(kit.replay()) == "done 3000 0 0 0\n");
  CHECK(kit.letters().empty());
  kit.check_account();
}

TEST_CASE("a hub that stops ends its replay, and what was not delivered is a letter") {
  Kit kit;
  kit.options.drain_timeout = 50ms;
  kit.begin();
  kit.reject(10);
  kit.choosy.wants_later = true;
  (void)kit.replay();
  REQUIRE(kit.until([&] { return kit.line().in_flight == 10; }));
  kit.stop();
  const auto account = kit.hub->account();
  CHECK(account.closes());
  CHECK(kit.line().in_flight == 0);
  CHECK(account.lost_at_stop() == 0);
  CHECK(kit.letters().size() == 10);
  kit.end();
  kit.keeper.forget_all();
  kit.choosy.wants_later = false;
  kit.begin();
  CHECK(kit.finish(kit.replay()) == "done 10 0 0 0\n");
}

TEST_CASE("what was delivered before a stop does not come again") {
  Kit kit;
  kit.begin();
  kit.reject(3);
  (void)kit.replay("3600000000000 ");
  REQUIRE(kit.until([&] { return kit.tally().delivered == 1; }));
  kit.stop();
  CHECK(kit.letters().size() == 2);
}

TEST_CASE("the next worker goes on with a replay") {
  Kit kit;
  kit.begin();
  kit.reject(10);
  const auto number = kit.replay("3600000000000 ");
  REQUIRE(kit.until([&] { return kit.tally().delivered == 1; }));
  kit.begin();  // its rate begins anew
  REQUIRE(kit.until([&] { return kit.tally().delivered == 2; }));
  CHECK_THAT(kit.ask("dead replayed " + number), Catch::StartsWith("running 2 0 0 0"));
  (void)kit.ask("dead cancel");
  CHECK_THAT(kit.finish(number), Catch::StartsWith("cancelled 2 0 8 0"));
  CHECK(kit.letters().size() == 8);
}

TEST_CASE("a message with its handler when the handler is removed is dead-lettered again") {
  Kit kit;
  kit.begin();
  kit.reject(2);
  kit.choosy.wants_later = true;
  (void)kit.replay();
  REQUIRE(kit.until([&] { return kit.line().in_flight == 2; }));
  kit.end();
  kit.options.handlers[0].name = "other";
  kit.begin();
  REQUIRE(kit.until([&] { return kit.letters().size() == 2 && kit.line().in_flight == 0; }));
  CHECK(kit.hub->account().closes());
  // The replay and its handler have nothing, and go; not before the letters' thread has said so.
  const auto is_gone = [&] {
    return std::ranges::all_of(kit.hub->handlers(),
                               [](const auto& handler) { return handler->name() == "other"; });
  };
  for (int life = 0; life < 5 && !is_gone(); ++life) {
    int rounds = 0;
    REQUIRE(kit.until([&] { return ++rounds > 5; }));
    kit.begin();
  }
  CHECK(is_gone());
}

TEST_CASE("a worker that is killed at any commit of a replay loses no letter") {
  using Killer = test::CommitKiller;
  int nth = 0, tries = 0;
  for (bool died = true; died;
       nth += 1 + nth / 10 * 3) {  // most of what happens is at the beginning
    const auto when = ++tries % 2 ? Killer::When::before : Killer::When::after;
    Kit kit;
    kit.begin();
    kit.reject(6);
    kit.choosy.got.clear();
    const auto number = kit.replay();
    died = false;
    try {
      Killer::arm(nth, when);
      (void)kit.finish(number);
      Killer::disarm();
    } catch (const test::KilledAtCommit&) {
      Killer::disarm();
      died = true;
      kit.begin();
    }
    CHECK_THAT(kit.finish(number), Catch::StartsWith("done "));
    REQUIRE(kit.letters().empty());
    REQUIRE(kit.choosy.got.size() == 6);
    for (const auto& [text, times] : kit.choosy.got) REQUIRE(times <= 2);
    kit.check_account();
  }
  CHECK(nth > 5);
}

TEST_CASE("a replay goes with its handler, whichever commit of that a worker is killed at") {
  using Killer = test::CommitKiller;
  int nth = 0, tries = 0;
  for (bool died = true; died; nth += 9) {
    const auto when = ++tries % 2 ? Killer::When::before : Killer::When::after;
    Kit kit;
    kit.begin();
    kit.reject(2);
    CHECK(kit.finish(kit.replay()) == "done 2 0 0 0\n");
    kit.end();
    kit.options.handlers[0].name = "other";
    died = false;
    try {
      Killer::arm(nth, when);
      kit.begin();
      Killer::disarm();
    } catch (const test::KilledAtCommit&) {
      Killer::disarm();
      died = true;
    }
    kit.begin();
    kit.begin();
    for (const auto& handler : kit.hub->handlers()) REQUIRE(handler->name() == "other");
    REQUIRE(kit.hub->memory().records("replay").size() == 1);  // "replays"
    REQUIRE(kit.hub->account().closes());
  }
  CHECK(nth > 9);
}
