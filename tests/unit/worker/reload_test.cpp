// SPDX-License-Identifier: Apache-2.0
#include "worker/reload.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/failure.h"
#include "eventually.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Configurations;
using worker::Reload;

namespace {

// The child says that it found what is in force, or that it is wrong.
constexpr auto kFinds = "cat /proc/self/fd/${1#*,} > /proc/self/fd/${1%,*}";
constexpr auto kRefuses = "printf 'why 8\\nno good end 0\\n' > /proc/self/fd/${1%,*}";
constexpr auto kFails = "exit 3";

// A hub whose reloads are examined by a shell. Its workers follow each other as after a kill.
class Kit : public test::HubKit {
 public:
  explicit Kit(std::size_t sources = 1) : HubKit(sources) { begin_worker(); }
  ~Kit() { end_worker(); }

  // false: it could not begin.
  void begin_worker(const worker::HubNames* before = nullptr) {
    end_worker();
    begin(false, before);
    configurations = std::make_unique<Configurations>(*link);
    if (configurations->start() == Configurations::Start::first) {
      Parts first;
      worker::HubNames::of(options).write(first);
      first.set("text", "the same");
      first.set("generation", 1);
      configurations->begin(first);
    }
    reload =
        std::make_unique<Reload>(Reload::Needs{.hub = *hub,
                                               .link = *link,
                                               .configurations = *configurations,
                                               .program = program,
                                               .arguments = {"sh", "-c", script, "--", "ignored"},
                                               .clock = clock,
                                               .reporter = reporter});
    hub->serve(*reload);
  }
  void end_worker() {
    reload.reset();
    configurations.reset();
    end();
  }
  // The first word of what it says of that reload.
  std::string result(const std::string& number = "1") {
    const auto text = reload->answer("reload result " + number).value();
    return text.substr(0, text.find('\n'));
  }
  std::string whole_result(const std::string& number = "1") {
    return reload->answer("reload result " + number).value();
  }
  void until_decided(const std::string& number = "1") {
    (void)test::eventually([&] { return result(number) != "pending" || hub->gives_way(); },
                           [&] { hub->round(); });
  }

  // The examination finds that only the first source is left, or that the second has another name.
  void find_without_second_source() {
    auto less = options;
    less.sources.resize(1);
    for (auto& route : less.routes) route.from = {0};
    find(less);
  }
  void find_second_source_renamed() {
    auto other = options;
    other.sources[1].name = "other";
    find(other);
  }
  void find(const config::HubOptions& found) {
    Parts next;
    worker::HubNames::of(found).write(next);
    const auto path = folder / "next";
    next.write_to(Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)).get());
    script = "cat " + path + " > /proc/self/fd/${1%,*}";
  }

  std::string script = kFinds;
  const keeper::Program program{"/bin/sh"};
  std::unique_ptr<Configurations> configurations;
  std::unique_ptr<Reload> reload;
};

}  // namespace

TEST_CASE("a dry run says what would change, and nothing is proposed", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  CHECK(kit.reload->answer("reload dry-run") == "1\n");
  kit.until_decided();
  CHECK(kit.result() == "would");
  CHECK_FALSE(kit.keeper.keeps("configuration-next"));
  CHECK_FALSE(kit.hub->gives_way());
}

TEST_CASE("what is examined and good is proposed, and the hub gives way", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  CHECK(kit.reload->answer("reload") == "1\n");
  kit.until_decided();
  CHECK(kit.hub->gives_way());
  CHECK(kit.result() == "pending");
  CHECK(kit.keeper.keeps("configuration-next"));
}

TEST_CASE("a stop while a configuration is tried ends the reload, in words", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload");
  kit.until_decided();
  const auto before = worker::HubNames::of(kit.options);
  kit.begin_worker(&before);
  kit.want_stop();
  kit.hub->round();
  REQUIRE(kit.hub->is_stopping());
  CHECK(kit.result() == "refused");
  CHECK_THAT(kit.whole_result(), Catch::Contains("not reloaded: the hub is stopping"));
  CHECK_FALSE(kit.keeper.keeps("configuration-tried"));
}

TEST_CASE("the next worker says that it is done, and with which generation", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload");
  kit.until_decided();
  kit.begin_worker();
  CHECK(kit.configurations->start() == Configurations::Start::tries);
  CHECK(kit.result() == "pending");
  kit.reload->ready();
  CHECK(kit.result() == "done");
  CHECK_THAT(kit.whole_result(), Catch::Contains("\"ok\":true,\"generation\":2,\"took_ms\":"));
  CHECK_FALSE(kit.keeper.keeps("configuration-tried"));
  kit.begin_worker();
  CHECK(kit.result() == "done");  // also of whoever follows
}

TEST_CASE("whoever follows a worker that died while it tried says so, and goes back", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload");
  kit.until_decided();
  kit.begin_worker();
  kit.begin_worker();
  kit.reload->ready();
  CHECK(kit.result() == "refused");
  CHECK_THAT(kit.whole_result(), Catch::Contains("the worker died before it was ready with it"));
  CHECK(kit.reload->answer("reload") == "2\n");
}

TEST_CASE("whoever follows a worker that died after it confirmed says that it is done", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload");
  kit.until_decided();
  kit.begin_worker();
  kit.configurations->confirm();
  kit.begin_worker();
  kit.reload->ready();
  CHECK(kit.result() == "done");
}

TEST_CASE("what the examination refuses, or cannot say, is refused", "[pidfd]") {
  for (const auto* script : {kRefuses, kFails}) {
    Kit kit;
    kit.script = script;
    kit.begin_worker();
    kit.reload->ready();
    (void)kit.reload->answer("reload");
    kit.until_decided();
    CHECK(kit.result() == "refused");
    CHECK_FALSE(kit.hub->gives_way());
    CHECK(kit.reported("not reloaded: "));
  }
}

TEST_CASE(
    "a source that has messages of an earlier run on the disk has its name until they are "
    "delivered, and may go",
    "[pidfd]") {
  Kit kit(2);
  auto& handler = kit.options.handlers[0];
  handler.attempts_max = 0;
  handler.backoff_initial = handler.backoff_max = 1ms;
  kit.begin_worker();
  kit.plugin.script.assign(100'000, "RRRR");
  for (int i = 0; i < 3; ++i) kit.send("message", 1);
  REQUIRE(kit.until([&] { return kit.line(1).tally.matched == 3; }));
  kit.want_stop(), kit.want_stop();
  kit.hub->run();
  kit.end_worker();
  kit.keeper.forget_all();
  kit.find_second_source_renamed();
  kit.begin_worker();
  kit.reload->ready();
  (void)kit.reload->answer("reload dry-run");
  kit.until_decided();
  CHECK(kit.result() == "refused");
  CHECK_THAT(kit.whole_result(), Catch::Contains("in1 has messages on the disk"));
  SECTION("it goes") {
    kit.find_without_second_source();
    kit.begin_worker();
    kit.reload->ready();
  }
  SECTION("they are delivered") {
    kit.plugin.script.clear();
    REQUIRE(kit.until([&] { return kit.delivered(1) == 3; }));
  }
  (void)kit.reload->answer("reload dry-run");
  kit.until_decided("2");
  CHECK(kit.result("2") == "would");
}

TEST_CASE("a worker that dies while it examines leaves a reload that was refused", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload");
  kit.begin_worker();
  kit.reload->ready();
  CHECK(kit.result() == "refused");
  CHECK_THAT(kit.whole_result(), Catch::Contains("the worker died meanwhile"));
}

TEST_CASE("one reload at a time: a second command is refused, a second signal waits", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  (void)kit.reload->answer("reload dry-run");
  CHECK_THROWS_WITH(kit.reload->answer("reload"), Catch::Contains("another reload is under way"));
  kit.reload->want();
  kit.until_decided();
  CHECK(kit.result() == "would");
  CHECK(kit.result("2") == "pending");
  kit.until_decided("2");
  CHECK(kit.hub->gives_way());
}

TEST_CASE("a signal before the worker is ready is not forgotten", "[pidfd]") {
  Kit kit;
  kit.reload->want();
  kit.begin_worker();
  kit.reload->ready();
  CHECK(kit.result() == "pending");
}

TEST_CASE("nothing is reloaded while the hub starts, or stops", "[pidfd]") {
  Kit kit;
  CHECK_THROWS_WITH(kit.reload->answer("reload"), Catch::Contains("the hub is starting"));
  kit.reload->ready();
  kit.want_stop();
  REQUIRE(kit.until([&] { return kit.hub->is_stopping(); }));
  CHECK_THROWS_WITH(kit.reload->answer("reload"), Catch::Contains("the hub is stopping"));
}

TEST_CASE("other requests are not its business, and unknown reloads are said", "[pidfd]") {
  Kit kit;
  kit.reload->ready();
  CHECK_FALSE(kit.reload->answer("stats"));
  CHECK_THROWS_AS(kit.reload->answer("reload result 7"), Failure);
  CHECK_THROWS_AS(kit.reload->answer("reload result x"), Failure);
}
