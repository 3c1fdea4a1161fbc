// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/text.h"
#include "config/paths.h"
#include "kit.h"
#include "log/arena.h"
#include "places.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// A variable of the environment, for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

constexpr const char* kEnds =
    "sources: { orders: { fifo: /run/orders } }\n"
    "handlers: { screen: { plugin: print }, archive: { plugin: print } }\n";

class Fixture {
 public:
  config::Loaded load(const std::string& text) {
    return config::load_text(text, folder / "hub.yaml", registry);
  }
  config::Loaded load_bytes(const std::string& bytes) {
    std::ofstream(folder / "hub.yaml", std::ios::binary) << bytes;
    return config::load_file(folder / "hub.yaml", registry);
  }
  config::HubOptions good(const std::string& text) {
    auto loaded = load(text);
    INFO(rendered(loaded));
    REQUIRE(loaded.diagnostics.empty());
    return loaded.hub;
  }
  match::Rule rule(const std::string& match) {
    return good(std::string(kEnds) +
                "routes: [{ from: orders, to: [screen, archive], match: " + match + " }]\n")
        .routes.at(0)
        .rule;
  }
  // The codes of all that is wrong, in order.
  std::string codes(const std::string& text) {
    std::string out;
    for (const auto& d : load(text).diagnostics) out += (out.empty() ? "" : " ") + d.code;
    return out;
  }

  test::TemporaryFolder folder;
  ConfigPlugins plugins;
  plugin::Registry registry{{plugins.folder().string()}};
};

// The conditions that stand in a rule itself, as an explanation says them.
std::string said(const match::Rule& rule) {
  std::string out;
  for (const auto& c : rule.conditions)
    out += (out.empty() ? "" : "; ") + c.subject_text() + " " + c.wanted_text();
  return out;
}

const plugin::Value& value_of(const deliver::HandlerOptions& handler, const std::string& option) {
  for (std::size_t i = 0; i < handler.values.size(); ++i)
    if (handler.plugin->options[i].name == option) return handler.values[i];
  FAIL("no option " + option);
  std::abort();
}

constexpr const char* kWhole = R"(
version: 1
data_dir: state
memory_max: 64MiB
overflow_max: 3MiB
drain_timeout: 3s
dead_letters: { max_size: 64MiB, max_age: 7d }
sources:
  orders:
    fifo: run/orders
    mode: "0620"
    owner: "0"
    group: adm
    framing: { type: length_prefixed, max_message_size: 1MiB, length_bytes: 4, byte_order: little }
    log: { max_size: 2MiB, when_full: block }
    rate_limit: { per_second: 100, burst: 20 }
  readings: { fifo: /run/readings }
handlers:
  screen: { plugin: print, options: { format: hex }, isolation: thread, timeout: 30s, dead_letter: false, queue: { type: none } }
  billing:
    plugin: forward
    options: { fifo: out }
    isolation: inline
    retry: { max_attempts: 7, max_age: 1h, backoff: { initial: 1ms, max: 2s } }
    queue: { type: memory, max_size: 2KiB, max_messages: 9, when_full: drop_newest }
routes:
  - name: big orders
    from: orders
    match: { size: { gte: 1KiB } }
    to: [billing, screen]
    final: true
  - { from: [readings, orders], to: screen }
unmatched: billing
)";

}  // namespace

TEST_CASE_METHOD(Fixture, "what a whole configuration says of the hub becomes plain options") {
  const auto hub = good(kWhole);
  CHECK(hub.file == folder / "hub.yaml");
  CHECK(hub.data_dir == folder / "state");
  CHECK(!hub.data_dir_by_default);
  CHECK(hub.memory_max == 64 * MiB);
  CHECK(hub.overflow_max == 3 * MiB);
  CHECK(hub.drain_timeout == 3s);
  CHECK(hub.dead_letters.all == 64 * MiB);
  CHECK(hub.dead_letters.file == 8 * MiB);
  CHECK(hub.dead_letters.age == 7 * 24h);
}

TEST_CASE_METHOD(Fixture, "the sources of a whole configuration become plain options") {
  const auto hub = good(kWhole);
  REQUIRE(hub.sources.size() == 2);
  CHECK(hub.sources[0].name == "orders");
  CHECK(hub.sources[0].path == folder / "run/orders");
  CHECK(hub.sources[0].mode == 0620);
  CHECK(hub.sources[0].owner == "0");
  CHECK(hub.sources[0].group == "adm");
  CHECK(hub.sources[0].message_size_max == 1 * MiB);
  CHECK(hub.sources[0].log_size_max == 2 * MiB);
  CHECK(hub.sources[0].rate_limit == 100);
  CHECK(hub.sources[0].rate_burst == 20);
  CHECK(hub.sources[1].rate_limit == 0);
  CHECK(hub.sources[1].path == "/run/readings");
  CHECK(hub.sources[1].mode == 0600);
  CHECK(!hub.sources[1].owner);
  CHECK(hub.sources[1].message_size_max == kMessageSizeMaxDefault);
}

TEST_CASE_METHOD(Fixture, "the handlers of a whole configuration become plain options") {
  const auto hub = good(kWhole);
  REQUIRE(hub.handlers.size() == 2);
  CHECK(hub.handlers[0].plugin->name == "print");
  CHECK(hub.handlers[0].placement == deliver::Placement::thread);
  CHECK(hub.handlers[0].attempts_max == 20);
  CHECK_FALSE(hub.handlers[0].dead_letter);
  CHECK(hub.handlers[1].dead_letter);
  CHECK(hub.handlers[0].queue.type == deliver::QueueOptions::Type::none);
  CHECK(hub.handlers[1].queue.type == deliver::QueueOptions::Type::memory);
  CHECK(hub.handlers[1].queue.size_max == 2 * KiB);
  CHECK(hub.handlers[1].queue.messages_max == 9);
  CHECK(hub.handlers[1].queue.when_full == deliver::QueueOptions::WhenFull::drop_newest);
  CHECK(hub.handlers[0].timeout == 30s);
  CHECK(hub.handlers[1].timeout == 0s);
  CHECK(value_of(hub.handlers[0], "format").text == "hex");
  CHECK(value_of(hub.handlers[0], "stream").text == "stdout");
  CHECK(!value_of(hub.handlers[0], "template").is_set);
  CHECK(hub.handlers[1].placement == deliver::Placement::inline_);
  CHECK(value_of(hub.handlers[1], "fifo").text == folder / "out");
  CHECK(hub.handlers[1].attempts_max == 7);
  CHECK(hub.handlers[1].age_max == 1h);
  CHECK(hub.handlers[0].age_max == 0s);
  CHECK(hub.handlers[1].backoff_initial == 1ms);
  CHECK(hub.handlers[1].backoff_max == 2s);
}

TEST_CASE_METHOD(Fixture, "the routes of a whole configuration become plain options") {
  const auto hub = good(kWhole);
  REQUIRE(hub.routes.size() == 2);
  CHECK(hub.routes[0].name == "big orders");
  CHECK(hub.routes[0].from == std::vector<std::size_t>{0});
  CHECK(hub.routes[0].to == std::vector<std::size_t>{1, 0});
  CHECK(hub.routes[0].final);
  CHECK(said(hub.routes[0].rule) == "size >= 1024");
  CHECK(hub.routes[1].name == "route 2");
  CHECK(hub.routes[1].from == std::vector<std::size_t>{1, 0});
  CHECK(hub.routes[1].rule.empty());
  CHECK(!hub.routes[1].final);
  CHECK(hub.unmatched == 1);
  CHECK(!hub.unmatched_by_default);
}

TEST_CASE_METHOD(Fixture, "what no route wants is dead-lettered by a handler of the hub's own") {
  const auto hub = good(
      "sources: { in: { fifo: in, rate_limit: { per_second: 7 } }, all: { fifo: all } }\n"
      "handlers: { screen: { plugin: print } }\n"
      "routes: [{ from: in, to: screen, match: { size: { gt: 3 } } }]\nunmatched: dead_letter\n");
  REQUIRE(hub.handlers.size() == 2);
  CHECK(hub.unmatched == 1);
  CHECK(hub.handlers[1].name == "dead_letter");
  CHECK(hub.handlers[1].is_for_unmatched_letters());
  CHECK_FALSE(hub.handlers[0].is_for_unmatched_letters());
  CHECK(hub.sources[0].rate_burst == 7);  // as the rate
}

TEST_CASE_METHOD(Fixture, "a source with a plugin has a place in a loop, as a handler has") {
  const auto hub = good(
      "sources:\n"
      "  in: { fifo: in }\n"
      "  brought:\n"
      "    plugin: bringing\n"
      "    options: { path: here }\n"
      "    ack: accepted\n"
      "    isolation: process\n"
      "    memory_max: 64MiB\n"
      "    user: nobody\n"
      "    timeout: 3s\n"
      "    retry: { backoff: { initial: 1s, max: 5s } }\n"
      "    framing: { max_message_size: 1KiB }\n"
      "    log: { max_size: 2MiB }\n"
      "    rate_limit: { per_second: 7 }\n"
      "    match_max: 9B\n"
      "  plain: { plugin: bringing, options: { path: there } }\n"
      "handlers: { screen: { plugin: print } }\n"
      "routes: [{ from: [in, brought, plain], to: screen }]\n");
  REQUIRE(hub.sources.size() == 3);
  const auto& brought = hub.sources[1];
  CHECK(brought.origin == source::Origin::plugin);
  CHECK(brought.from == 0);
  CHECK(brought.path.empty());
  CHECK(brought.acks_accepted);
  CHECK(brought.message_size_max == KiB);
  CHECK(brought.log_size_max == 2 * MiB);
  CHECK(brought.rate_limit == 7);
  CHECK(brought.match_max == 9);
  CHECK(hub.sources[2].from == 1);
  CHECK_FALSE(hub.sources[2].acks_accepted);
  REQUIRE(hub.source_plugins.size() == 2);
  const auto& instance = hub.source_plugins[0];
  CHECK(instance.name == "brought");
  CHECK(instance.is_source);
  CHECK(instance.plugin->is_source());
  CHECK(instance.values[0].text == folder / "here");
  CHECK(instance.placement == deliver::Placement::process);
  CHECK(instance.memory_max == 64 * MiB);
  CHECK(instance.user == "nobody");
  CHECK(instance.timeout == 3s);
  CHECK(instance.backoff_initial == 1s);
  CHECK(instance.backoff_max == 5s);
  CHECK(!hub.source_plugins[1].placement);
}

TEST_CASE_METHOD(Fixture, "a plugin that offers both may have options of one alone") {
  const std::string routes = "routes: [{ from: s, to: h }]\n";
  const auto hub = good(
      "sources: { s: { plugin: two_way, options: { address: there } } }\n"
      "handlers: { h: { plugin: two_way, options: { address: here, window: 3 } } }\n" +
      routes);
  CHECK(hub.source_plugins[0].values[2].integer == 7);
  CHECK_FALSE(hub.source_plugins[0].values[1].is_set);
  CHECK(hub.handlers[0].values[1].integer == 3);
  CHECK(rendered(load("sources: { s: { plugin: two_way, options: { address: a, window: 3 } } }\n"
                      "handlers: { h: { plugin: print } }\n" +
                      routes))
            .find("unknown option 'window' in source 's' (plugin two_way)") != std::string::npos);
  CHECK(
      rendered(load("sources: { s: { fifo: s } }\n"
                    "handlers: { h: { plugin: two_way, options: { address: a, prefetch: 1 } } }\n" +
                    routes))
          .find("unknown option 'prefetch' in handler 'h' (plugin two_way)") != std::string::npos);
}

TEST_CASE_METHOD(Fixture,
                 "a handler that a route is from is a source, after those that are given") {
  const auto hub = good(
      "match_max: 5KiB\n"
      "sources: { in: { fifo: in } }\n"
      "handlers: { screen: { plugin: print }, two: { plugin: speaking }, one: { plugin: speaking } "
      "}\n"
      "routes:\n"
      "  - { from: [one, in], to: screen }\n"
      "  - { from: [in], to: [two, one] }\n"
      "  - { from: [two, one], to: screen }\n"
      "tests: [{ send: { source: one, text: x }, expect: { screen: 1 } }]\n");
  REQUIRE(hub.sources.size() == 3);
  CHECK(hub.sources[1].name == "one");
  CHECK(hub.sources[1].origin == source::Origin::handler);
  CHECK(hub.sources[1].from == 2);
  CHECK(hub.sources[1].path.empty());
  CHECK(hub.sources[1].match_max == 5 * KiB);
  CHECK(hub.sources[2].name == "two");
  CHECK(hub.sources[2].from == 1);
  CHECK(hub.routes[0].from == std::vector<std::size_t>{1, 0});
  CHECK(hub.routes[2].from == std::vector<std::size_t>{2, 1});
  CHECK(hub.tests[0].sends[0].source == 1);
}

TEST_CASE_METHOD(Fixture, "where plugins are not loaded, sources and handlers keep their numbers") {
  auto names = plugin::Registry::of_names();
  const auto loaded = config::load_text(
      "sources: { brought: { plugin: bringing, options: { path: here } } }\n"
      "handlers: { screen: { plugin: print }, one: { plugin: speaking } }\n"
      "routes: [{ from: brought, to: one }, { from: one, to: screen }]\n",
      folder / "hub.yaml", names);
  INFO(rendered(loaded));
  REQUIRE(loaded.ok());
  REQUIRE(loaded.hub.sources.size() == 2);
  CHECK(loaded.hub.sources[0].origin == source::Origin::plugin);
  CHECK(loaded.hub.sources[1].origin == source::Origin::handler);
  CHECK(loaded.hub.source_plugins.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a cycle through a long chain of handlers is found") {
  std::string handlers = "handlers:\n  screen: { plugin: print }\n", routes = "routes:\n";
  for (int i = 0; i < 1'000; ++i) {
    const auto from = i == 0 ? "in" : "h" + std::to_string(i - 1);
    const auto to = "h" + std::to_string(i);
    handlers += "  " + to + ": { plugin: speaking }\n";
    routes += "  - { from: " + from + ", to: " + to + " }\n";
  }
  const auto text = "memory_max: 1GiB\nsources: { in: { fifo: in } }\n" + handlers + routes +
                    "  - { from: h999, to: screen }\n";
  CHECK(codes(text).find("cycle") == std::string::npos);
  CHECK_THAT(codes(text + "  - { from: h999, to: h1 }\n"), Catch::Contains("cycle"));
}

TEST_CASE_METHOD(Fixture, "what is left out has its default") {
  const auto hub = good(
      "sources: { in: { fifo: in } }\nhandlers: { screen: { plugin: print } }\nroutes: [{ from: "
      "in, to: screen }]\n");
  CHECK(hub.memory_max == kMemoryMaxDefault);
  CHECK(hub.drain_timeout == 10s);
  CHECK(!hub.handlers[0].placement);
  CHECK(!hub.unmatched);
  CHECK(hub.unmatched_by_default);
}

TEST_CASE_METHOD(Fixture,
                 "a configuration that says drop brings no warning when messages are dropped") {
  const auto hub = good(std::string(kEnds) +
                        "routes: [{ from: orders, to: [screen, archive] }]\nunmatched: drop\n");
  CHECK(!hub.unmatched);
  CHECK(!hub.unmatched_by_default);
}

TEST_CASE_METHOD(Fixture, "rules become data") {
  CHECK(said(rule("{ text: { equals: a, prefix: 12, suffix: \"\\0\", contains: true } }")) ==
        R"(text = "a"; text prefix "12"; text suffix "\u0000"; text containing "true")");
  CHECK(said(rule("{ size: { gt: 0, gte: 1, lt: 2KiB, lte: 1000 } }")) ==
        "size > 0; size >= 1; size < 2048; size <= 1000");
  const auto nested = rule(
      "{ size: { gt: 9 }, all: [{ text: { prefix: a } }, { any: [{ text: { prefix: b } }] }], not: "
      "{ size: { gt: 99 } } }");
  CHECK(said(nested) == "size > 9");
  REQUIRE(nested.all.size() == 2);
  CHECK(said(nested.all[0]) == "text prefix \"a\"");
  CHECK(said(nested.all[1].any->at(0)) == "text prefix \"b\"");
  REQUIRE(nested.none.size() == 1);
  CHECK(said(nested.none[0]) == "size > 99");
  CHECK(!nested.any);
  CHECK(rule("{}").empty());
}

TEST_CASE_METHOD(Fixture, "conditions on JSON have the types that JSON has") {
  CHECK(said(rule(
            "{ json: { /a: 5, /b: \"5\", /c: true, /d: ~, /e: order, /f: 1.50, /g/0: -1e3 } }")) ==
        R"(/a = 5; /b = "5"; /c = true; /d = null; /e = "order"; /f = 1.5; /g/0 = -1000)");
  CHECK(said(rule("{ json: { /a: { eq: null, ne: x, gt: 1, gte: 1.5, lt: a, lte: 2 } } }")) ==
        R"(/a = null; /a other than "x"; /a > 1; /a >= 1.5; /a < "a"; /a <= 2)");
  CHECK(said(rule("{ json: { /a: { in: [1, x, ~], regex: ^x, exists: false } } }")) ==
        R"(/a one of 1, "x", null; /a regex "^x"; /a not to be there)");
  CHECK(said(rule("{ json: { \"\": { exists: true }, \"/a~1b\": 18446744073709551615 } }")) ==
        "the document to be there; /a~1b = 18446744073709551615");
}

TEST_CASE_METHOD(Fixture, "conditions on metadata and text") {
  CHECK(said(rule("{ meta: { key: 5, fifo: { prefix: /run, regex: in$, exists: true } } }")) ==
        R"(meta key = "5"; meta fifo prefix "/run"; meta fifo regex "in$"; meta fifo to be there)");
  CHECK(said(rule("{ text: { regex: \"a|b\", prefix: x } }")) ==
        R"(text regex "a|b"; text prefix "x")");
}

TEST_CASE_METHOD(Fixture, "a condition knows where it is written, in characters") {
  const auto places = [](const match::Rule& rule) {
    std::string out;
    for (const auto& c : rule.conditions)
      out += std::to_string(c.place.line) + ":" + std::to_string(c.place.column) + " ";
    return out;
  };
  CHECK(places(rule("{ json: { /\xc3\xa9: 5, /b: { gte: 1 } }, size: { gt: 1 } }")) ==
        "3:66 3:79 3:99 ");
  CHECK(places(rule("{ text: { prefix: " + std::string(5000, 'x') + ", suffix: y } }")) ==
        "3:66 3:5076 ");
}

TEST_CASE_METHOD(Fixture, "how large a payload is looked into is said for the hub or a source") {
  const auto most = [&](const std::string& hub, const std::string& source) {
    return good(hub + "\nsources: { orders: { fifo: /run/orders" + source +
                " } }\nhandlers: { screen: { plugin: print } }\n"
                "routes: [{ from: orders, to: screen }]\n")
        .sources[0]
        .match_max;
  };
  CHECK(most("", "") == 1 * MiB);
  CHECK(most("match_max: 2MiB", "") == 2 * MiB);
  CHECK(most("match_max: 2MiB", ", match_max: 64KiB") == 64 * KiB);
}

TEST_CASE_METHOD(Fixture,
                 "a plugin that calls itself otherwise than its file is used, and that is said") {
  std::filesystem::create_symlink(std::filesystem::path(places::plugins()) / "print.so",
                                  std::filesystem::path(folder.path()) / "screen.so");
  const auto loaded = load(R"(
sources: { orders: { fifo: /run/orders } }
handlers: { it: { plugin: ./screen.so } }
routes: [{ from: orders, to: it }]
)");
  CHECK(loaded.hub.handlers.size() == 1);
  CHECK(rendered(loaded).starts_with("warning: the plugin in screen.so calls itself 'print'\n"));
}

TEST_CASE_METHOD(Fixture, "options of every type reach the plugin checked") {
  std::ofstream(folder / "password") << "hunter2\n";
  const auto hub = good(R"(
sources: { orders: { fifo: /run/orders } }
handlers:
  every:
    plugin: every_option
    options:
      server: http://localhost
      count: 7
      share: 0.25
      flag: false
      wait: 1.5s
      most: 64KiB
      kind: large
      file: ../file
      password_file: password
      brokers: [a, 2]
      headers: { x-key: 1, other: two }
routes: [{ from: orders, to: every }]
)");
  const auto& every = hub.handlers[0];
  CHECK(value_of(every, "text").text == "hello");
  CHECK(value_of(every, "server").text == "http://localhost");
  CHECK(value_of(every, "count").integer == 7);
  CHECK(value_of(every, "share").real == 0.25);
  CHECK(value_of(every, "flag").integer == 0);
  CHECK(value_of(every, "wait").integer == 1'500'000'000);
  CHECK(value_of(every, "most").integer == 65536);
  CHECK(value_of(every, "kind").text == "large");
  CHECK(value_of(every, "file").text ==
        (std::filesystem::path(folder.path()).parent_path() / "file").string());
  CHECK(value_of(every, "password").text == "hunter2");
  CHECK(value_of(every, "brokers").items ==
        std::vector<std::pair<std::string, std::string>>{{"", "a"}, {"", "2"}});
  CHECK(value_of(every, "headers").items ==
        std::vector<std::pair<std::string, std::string>>{{"x-key", "1"}, {"other", "two"}});
}

TEST_CASE_METHOD(Fixture,
                 "variables are replaced in values, and what comes out is not looked at again") {
  const Variable name("STANDPIPE_TEST_NAME", "orders"),
      tricky("STANDPIPE_TEST_TRICKY", "${STANDPIPE_TEST_NAME}: { a }"),
      empty("STANDPIPE_TEST_EMPTY", ""), unset("STANDPIPE_TEST_UNSET", nullptr);
  const auto hub = good(R"(
sources: { orders: { fifo: "/run/${STANDPIPE_TEST_NAME}-${STANDPIPE_TEST_UNSET:-x}${STANDPIPE_TEST_EMPTY:-y}${STANDPIPE_TEST_EMPTY}" } }
handlers: { screen: { plugin: every_option, options: { server: s, text: "$5 $${HOME} ${STANDPIPE_TEST_TRICKY}" } } }
routes: [{ from: "${STANDPIPE_TEST_NAME:?}", to: screen }]
)");
  CHECK(hub.sources[0].path == "/run/orders-xy");
  CHECK(value_of(hub.handlers[0], "text").text == "$5 ${HOME} ${STANDPIPE_TEST_NAME}: { a }");
}

TEST_CASE_METHOD(Fixture,
                 "keys that begin with x- are free, also for what would be wrong elsewhere") {
  const auto hub = good(R"(
x-log: &log { max_size: 64KiB, x-why: "small ${NOT_SET_AT_ALL}" }
x-names: &names [orders, others]
sources:
  x-note: none
  orders: { fifo: /run/orders, log: *log, x-a: 1, x-a: 2 }
  others: { fifo: /run/others, log: *log }
handlers: { screen: { plugin: print, x-b: [], options: { x-c: {} } } }
routes: [{ from: *names, to: screen, x-d: ~, match: { x-e: 1 } }]
)");
  REQUIRE(hub.sources.size() == 2);
  CHECK(hub.sources[1].log_size_max == 64 * KiB);
  CHECK(hub.routes[0].from == std::vector<std::size_t>{0, 1});
  CHECK(hub.routes[0].rule.empty());
}

TEST_CASE_METHOD(Fixture,
                 "a byte order mark and lines that end in CR LF are fine, and places stay right") {
  CHECK(codes("\xef\xbb\xbfsources: { in: { fifo: in } }\r\nhandlers: { s: { plugin: print } "
              "}\r\nroutes: [{ from: in, to: s }]\r\n") == "");
  const auto loaded = load("\xef\xbb\xbfversion: 3\r\n" + std::string(kEnds) +
                           "routes: [{ from: orders, to: screen }]");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].place->column == 10);
  CHECK(loaded.diagnostics[0].place->text == "version: 3");
}

TEST_CASE_METHOD(Fixture,
                 "state goes where a service manager or the desktop says, or to root's place, into "
                 "a folder named after the file") {
  const std::string text =
      std::string(kEnds) + "routes: [{ from: orders, to: [screen, archive] }]\n";
  const auto folder_of = [&] {
    return good(text).data_dir.substr(0, good(text).data_dir.rfind('/'));
  };
  {
    const Variable state("XDG_STATE_HOME", "/home/me/state");
    CHECK(folder_of() == "/home/me/state/standpipe");
    CHECK(good(text).data_dir_by_default);
    const Variable service("STATE_DIRECTORY", "/var/lib/hub:/var/lib/other");
    CHECK(folder_of() == "/var/lib/hub");
  }
  const Variable relative("XDG_STATE_HOME", "state");
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  CHECK(folder_of() == (::geteuid() == 0 || home.empty() ? "/var/lib/standpipe"
                                                         : home + "/.local/state/standpipe"));
}

TEST_CASE("two configurations of a user have folders of their own, the same each time") {
  const auto in = [](const std::string& file) {
    const config::Lookup home = [](const std::string& name) {
      return name == "XDG_STATE_HOME" ? std::optional<std::string>("/state") : std::nullopt;
    };
    return config::default_data_dir(home, false, file);
  };
  CHECK(in("/etc/a/orders.yaml") == "/state/standpipe/orders-16d78d0d");
  CHECK(in("/etc/a/../a/orders.yaml") == in("/etc/a/orders.yaml"));
  CHECK(in("/etc/b/orders.yaml") != in("/etc/a/orders.yaml"));
  CHECK(in("orders.yaml") == in("./orders.yaml"));
  CHECK(in("/" + std::string(250, 'x') + ".yaml").size() < 255);
}

// ---- several files

TEST_CASE_METHOD(Fixture, "a folder's files are one configuration, each path from its own file") {
  std::filesystem::create_directories(folder / "conf.d/more.yaml.d");
  std::ofstream(folder / "conf.d/20-ends.yaml")
      << "handlers: { out: { plugin: forward, options: { fifo: out } } }\n"
         "routes: [{ from: second, to: out }]\n";
  std::ofstream(folder / "conf.d/10-first.yaml")
      << "version: 1\nx-mode: &mode { mode: \"0620\" }\nmemory_max: 64MiB\n"
         "sources: { first: { <<: *mode, fifo: first } }\n"
         "routes: [{ from: first, to: [out, other] }]\n";
  std::ofstream(folder / "other.yaml") << "version: 1\nsources: { second: { fifo: run/second } }\n"
                                          "handlers: { other: { plugin: print } }\n";
  std::ofstream(folder / "conf.d/99-nothing.yaml") << "# to come\n";
  const auto loaded = config::load_paths({folder / "conf.d/", folder / "other.yaml"}, registry);
  CHECK(rendered(loaded) ==
        "warning: " + folder / "conf.d/99-nothing.yaml" + " has no configuration in it\n");
  REQUIRE(loaded.ok());
  const auto& hub = loaded.hub;
  CHECK(hub.file == folder / "conf.d and 1 more");
  CHECK(hub.place == folder / "conf.d");
  CHECK(hub.data_dir.find("/conf-") != std::string::npos);
  CHECK(hub.memory_max == 64 * MiB);
  REQUIRE(hub.sources.size() == 2);
  CHECK(hub.sources[0].path == folder / "conf.d/first");
  CHECK(hub.sources[0].mode == 0620);
  CHECK(hub.sources[1].path == folder / "run/second");
  REQUIRE(hub.handlers.size() == 2);
  CHECK(value_of(hub.handlers[0], "fifo").text == folder / "conf.d/out");
  REQUIRE(hub.routes.size() == 2);
  CHECK(hub.routes[0].from == std::vector<std::size_t>{0});
  CHECK(hub.routes[1].from == std::vector<std::size_t>{1});
}

TEST_CASE_METHOD(Fixture, "what a map merges comes after what it says itself, the first one wins") {
  const auto hub = good(R"(
x-a: &a { mode: "0640", fifo: /run/a }
x-b: &b { <<: *a, mode: "0644", owner: "0" }
sources:
  one: { fifo: /run/one, <<: *b }
  two: { <<: [{ fifo: /run/two }, *a, *b] }
handlers: { screen: { plugin: print } }
routes: [{ from: [one, two], to: screen }]
)");
  CHECK(hub.sources.at(0).path == "/run/one");
  CHECK(hub.sources[0].mode == 0644);
  CHECK(hub.sources[0].owner == "0");
  CHECK(hub.sources.at(1).path == "/run/two");
  CHECK(hub.sources[1].mode == 0640);
  CHECK(hub.sources[1].owner == "0");
}

TEST_CASE_METHOD(Fixture, "maps that merge maps without end are refused") {
  std::string text = "x-0: &a0 { k: [1, 2, 3, 4, 5, 6, 7, 8] }\n";
  for (int i = 1; i < 20; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " { <<: [" + before + ", " +
            before + "], n" + std::to_string(i) + ": " + before + " }\n";
  }
  CHECK(codes(text + kEnds).find("alias-bomb") == 0);
}

TEST_CASE_METHOD(Fixture, "a file's end of line and first bytes make no difference") {
  std::string text = std::string(kEnds) + "routes: [{ from: orders, to: [screen, archive] }]\n";
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  const auto loaded = load_bytes("\xef\xbb\xbf" + text);
  INFO(rendered(loaded));
  CHECK(loaded.diagnostics.empty());
  CHECK(loaded.hub.sources.at(0).path == "/run/orders");
}

// ---- one test an error path that golden files cannot hold

TEST_CASE_METHOD(Fixture, "a huge file is refused by its size, not read") {
  std::ofstream(folder / "hub.yaml") << "version: 1\n";
  std::filesystem::resize_file(folder / "hub.yaml", 100'000'000);
  const auto loaded = config::load_file(folder / "hub.yaml", registry);
  CHECK(rendered(loaded) ==
        "error: " + folder / "hub.yaml" +
            " has 100,000,000 bytes, more than a configuration may have (4MiB)\n" +
            "  help: is it the right file?\n");
}

TEST_CASE_METHOD(Fixture, "what is no file is not opened as one") {
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(rendered(config::load_file(folder / "pipe", registry)) ==
        "error: cannot read " + folder / "pipe" +
            ": it is not a regular file\n  help: save it as a file and name that\n");
  CHECK(
      rendered(config::load_file("/dev/zero", registry)) ==
      "error: cannot read /dev/zero: it is not a regular file\n  help: save it as a file and name "
      "that\n");
}

TEST_CASE_METHOD(Fixture, "a missing file is looked for among its neighbours") {
  std::ofstream(folder / "orders.yaml") << "version: 1\n";
  CHECK(rendered(config::load_file(folder / "orders.yml", registry)) ==
        "error: cannot read " + folder / "orders.yml" + ": no such file\n  help: did you mean '" +
            folder / "orders.yaml" + "'?\n");
  CHECK(rendered(config::load_file(folder / "elsewhere/x", registry)) ==
        "error: cannot read " + folder / "elsewhere/x" + ": no such file\n");
  CHECK(!config::load_file("", registry).ok());
}

TEST_CASE_METHOD(Fixture, "a link that leads nowhere is called one") {
  std::filesystem::create_symlink("gone.yaml", folder / "orders.yaml");
  CHECK(rendered(config::load_file(folder / "orders.yaml", registry)) ==
        "error: cannot read " + folder / "orders.yaml" +
            ": it is a link to gone.yaml, which is not there\n  help: put a file there, or let the "
            "link lead to one\n");
}

TEST_CASE_METHOD(Fixture, "a file without permission says so") {
  if (::geteuid() == 0) return;  // root may read everything
  std::ofstream(folder / "hub.yaml") << "version: 1\n";
  std::filesystem::permissions(folder / "hub.yaml", std::filesystem::perms::none);
  CHECK(config::load_file(folder / "hub.yaml", registry)
            .diagnostics.at(0)
            .message.find("no permission") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "nesting without end is refused before a stack is in danger") {
  const auto repeated = [](const char* piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  for (const auto* piece : {"[", "{", "- ", "? ", "[\n", "{a: ", "[a: ", "&a [", "- - a: - "}) {
    INFO(piece);
    const auto loaded = load_bytes(repeated(piece, 60'000 / std::strlen(piece)));
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].code ==
          (std::string_view(piece) == "- - a: - " ? "syntax" : "too-deep"));
  }
  CHECK(load_bytes(repeated("[", 100'000)).diagnostics.at(0).code == "line-too-long");
}

TEST_CASE_METHOD(Fixture, "a file of values without end is refused") {
  std::string text = "x-list:\n";
  for (int i = 0; i < 210'000; ++i) text += "- a\n";
  CHECK(codes(text) == "too-many-values");
}

TEST_CASE_METHOD(Fixture, "an alias of a long text counts by its length") {
  std::string text = "x-text: &text >\n";
  for (int i = 0; i < 1000; ++i) text += "  " + std::string(1000, 'a') + "\n";
  text += "x-list:\n";
  for (int i = 0; i < 20; ++i) text += "- *text\n";
  CHECK(codes(text) == "alias-bomb");
}

TEST_CASE_METHOD(Fixture, "variables cannot expand without end") {
  const std::string big(100'000, 'a');
  const Variable variable("STANDPIPE_TEST_BIG", big.c_str());
  std::string text(kEnds);
  text += "routes:\n";
  for (int i = 0; i < 60; ++i)
    text +=
        "- { from: orders, to: [screen, archive], match: { text: { prefix: "
        "\"${STANDPIPE_TEST_BIG}\" } } }\n";
  const auto loaded = load(text);
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].message == "variables expand to too much text");
}

TEST_CASE_METHOD(Fixture, "mistakes beyond those shown are counted") {
  std::string text(kEnds);
  text += "routes:\n";
  for (int i = 0; i < 1234; ++i)
    text += "- { from: orders, to: nobody" + std::to_string(i) + " }\n";
  const auto loaded = load(text);
  CHECK(loaded.diagnostics.size() == kConfigErrorsMax + 1);
  CHECK(loaded.diagnostics.back().message == "and 1,184 more mistakes, not shown");
}

TEST_CASE_METHOD(
    Fixture,
    "the same mistake many times is reported once, with places; those beyond are counted") {
  std::string text(kEnds);
  text += "routes:\n";
  for (int i = 0; i < 1234; ++i) text += "- { from: orders, to: nobody }\n";
  const auto loaded = load(text);
  REQUIRE(loaded.diagnostics.size() == 2);
  CHECK(loaded.diagnostics[0].others.size() == 199);
  CHECK(render(loaded.diagnostics[0], false).find(" and 187 more places\n") != std::string::npos);
  CHECK(loaded.diagnostics.back().message == "and 1,034 more mistakes, not shown");
}

TEST_CASE_METHOD(Fixture, "a long value is not repeated whole") {
  for (const auto* piece : {"x", "\xe6\xbc\xa2", "1"}) {
    std::string value;
    for (int i = 0; i < 5000; ++i) value += piece;
    const auto loaded = load(std::string(kEnds) + "drain_timeout: " + value +
                             "\nroutes: [{ from: orders, to: [screen, archive] }]\n");
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(rendered(loaded).size() < 2000);
    CHECK(is_utf8(rendered(loaded)));
  }
}

TEST_CASE_METHOD(Fixture, "a plugin that cannot be used says why") {
  std::ofstream(folder / "broken.so") << "not an object";
  const auto loaded = load(
      "sources: { a: { fifo: a } }\nhandlers: { s: { plugin: ./broken.so } }\nroutes: [{ from: a, "
      "to: s }]\n");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].code == "refused-plugin");
  REQUIRE(loaded.diagnostics[0].notes.size() == 1);
  CHECK(loaded.diagnostics[0].notes[0].find(folder / "broken.so") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "where no plugin was found at all, the folders are named") {
  plugin::Registry none({folder.path()});
  const auto loaded = config::load_text(
      "sources: { a: { fifo: a } }\nhandlers: { s: { plugin: print } }\nroutes: [{ from: a, to: s "
      "}]\n",
      folder / "hub.yaml", none);
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].message == "unknown plugin 'print'");
  REQUIRE(loaded.diagnostics[0].help.size() == 1);
  CHECK(loaded.diagnostics[0].help[0].find(folder.path()) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a plugin by its path is taken from the configuration's folder") {
  std::filesystem::create_directory(folder / "mine");
  std::filesystem::create_symlink(plugins.folder() / "print.so", folder / "mine/print.so");
  const auto hub = good(
      "sources: { a: { fifo: a } }\nhandlers: { s: { plugin: ./mine/print.so } }\nroutes: [{ from: "
      "a, to: s }]\n");
  CHECK(hub.handlers[0].plugin->name == "print");
  REQUIRE(::mkfifo((folder / "pipe.so").c_str(), 0600) == 0);
  CHECK(codes("sources: { a: { fifo: a } }\nhandlers: { s: { plugin: ./pipe.so } }\nroutes: [{ "
              "from: a, to: s }]\n") == "unknown-plugin");
}

TEST_CASE_METHOD(Fixture,
                 "plugins are found where the configuration says, after all other folders") {
  const std::string rest =
      "sources: { a: { fifo: a } }\nhandlers: { s: { plugin: own } }\nroutes: [{ from: a, to: s "
      "}]\n";
  CHECK(codes(rest) == "unknown-plugin");
  std::filesystem::create_directories(folder / "one");
  std::filesystem::create_directories(folder / "two");
  std::filesystem::create_symlink(plugins.folder() / "print.so", folder / "two/own.so");
  for (const std::string path : {"two", "[one, two]", "[./none, two]"}) {
    INFO(path);
    const auto loaded = load("plugin_path: " + path + "\n" + rest);
    INFO(rendered(loaded));
    REQUIRE(loaded.ok());
    CHECK(loaded.hub.handlers[0].plugin->path == folder / "two/own.so");
  }
  std::filesystem::create_symlink(plugins.folder() / "forward.so", folder / "two/print.so");
  const auto first = load(
      "plugin_path: two\nsources: { a: { fifo: a } }\nhandlers: { s: { plugin: "
      "print } }\nroutes: [{ from: a, to: s }]\n");
  CHECK(first.hub.handlers[0].plugin->name == "print");
}

TEST_CASE_METHOD(Fixture, "a secret is in no message") {
  const auto loaded = load(R"(
sources: { orders: { fifo: /run/orders } }
handlers: { every: { plugin: every_option, options: { password: "hünter2", server: [] } } }
routes: [{ from: orders, to: every }]
)");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(rendered(loaded).find("nter2") == std::string::npos);
  CHECK(render_json(loaded.diagnostics[0]).find("nter2") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a password within a URL is in no message") {
  for (const std::string value :
       {"text: \"amqp://me:hunter2@host/\"", "brokers: [\"nats://me:hunter2@host\", b]"}) {
    const auto loaded = load(
        "sources: { orders: { fifo: /run/orders } }\n"
        "handlers: { every: { plugin: every_option, options: { " +
        value + ", server: [] } } }\nroutes: [{ from: orders, to: every }]\n");
    REQUIRE_FALSE(loaded.diagnostics.empty());
    CHECK(rendered(loaded).find("server") != std::string::npos);
    CHECK(rendered(loaded).find("hunter2") == std::string::npos);
  }
}

TEST_CASE_METHOD(Fixture, "a secret's file must hold one") {
  const auto with = [&](const std::string& file) {
    return codes(
        "sources: { o: { fifo: /run/o } }\nhandlers: { e: { plugin: every_option, options: { "
        "server: x, password_file: " +
        file + " } } }\nroutes: [{ from: o, to: e }]\n");
  };
  std::ofstream(folder / "empty") << "\n";
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(with("empty") == "unreadable-secret");
  CHECK(with("pipe") == "unreadable-secret");
  CHECK(with("none") == "unreadable-secret");
}

TEST_CASE_METHOD(Fixture, "the memory that a message is said to need is enough") {
  const auto text = [](const std::string& memory, const std::string& message) {
    return "memory_max: " + memory +
           "\nsources: { a: { fifo: a, framing: { max_message_size: " + message +
           " } } }\nhandlers: { s: { plugin: print } }\nroutes: [{ from: a, to: s }]\n";
  };
  CHECK(codes(text("16MiB", "16MiB")) == "memory-too-small");
  CHECK(codes(text("17MiB", "16MiB")) == "");
  CHECK(codes(text("16MiB", "15MiB")) == "");
  state::Memory keeping({.memory_max = 17 * MiB});
  log::Arena arena(keeping);
  const auto waiting = arena.lend(kSegmentBytes, 0);  // where the frame's beginning lies meanwhile
  CHECK(waiting);
  CHECK(arena.lend(16 * MiB + 4 * KiB, 0));
}

TEST_CASE_METHOD(
    Fixture, "what needs more open files than the process may have is refused with the number") {
  std::string text = "sources:\n";
  for (int i = 0; i < 100; ++i)
    text += "  s" + std::to_string(i) + ": { fifo: /run/s" + std::to_string(i) + " }\n";
  text += "handlers: { s: { plugin: print } }\nroutes: [{ from: s0, to: s }]\n";
  const auto is_refused_with = [&](rlim_t most) {  // in a child: who may raise a hard limit again?
    const auto child = ::fork();
    if (child == 0) {
      const rlimit limit{most, most};
      ::setrlimit(RLIMIT_NOFILE, &limit);
      const auto loaded = load(text);
      const auto is_reported = [&](const Diagnostic& d) {
        return d.message == "this configuration may need 157 open files, and the limit is " +
                                std::to_string(most);
      };
      ::_exit(!loaded.ok() &&
                      std::any_of(loaded.diagnostics.begin(), loaded.diagnostics.end(), is_reported)
                  ? 1
                  : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status != 0;
  };
  CHECK(is_refused_with(156));
  CHECK_FALSE(is_refused_with(157));
}

TEST_CASE_METHOD(Fixture, "more deliveries than a hub can hold are refused with the number") {
  const auto names = [](const char* letter, int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list += (i ? ",\n    " : "") + (letter + std::to_string(i));
    return "[" + list + "]";
  };
  const auto configured = [&](int sources, int handlers) {
    std::string text = "memory_max: 64MiB\nsources:\n";
    for (int i = 0; i < sources; ++i)
      text += "  s" + std::to_string(i) + ": { fifo: /run/s" + std::to_string(i) + " }\n";
    text += "handlers:\n";
    for (int i = 0; i < handlers; ++i) text += "  h" + std::to_string(i) + ": { plugin: print }\n";
    return text + "routes:\n- { from: " + names("s", sources) + ", to: " + names("h", handlers) +
           " }\n";
  };
  CHECK(load(configured(100, 180)).ok());
  const auto loaded = load(configured(500, 401));
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].message ==
        "these routes join more than 200,000 pairs of a source and a handler, which is more than a "
        "hub can hold");
  CHECK(codes(configured(1, 10'001)) == "too-many");
}

TEST_CASE(
    "two handlers on one file are found whatever names it has; a worker that continues does not "
    "look") {
  Fixture at;
  const auto write = [&](const std::string& path) { std::ofstream(path) << ""; };
  std::filesystem::create_directory(at.folder / "real");
  std::filesystem::create_symlink("real", at.folder / "link");
  write(at.folder / "real/there.log");
  std::filesystem::create_hard_link(at.folder / "real/there.log", at.folder / "second.log");
  std::filesystem::create_symlink("real/there.log", at.folder / "link.log");
  const auto text = [](const std::string& first, const std::string& second) {
    return "sources: { in: { fifo: in } }\nhandlers:\n  a: { plugin: log, options: { path: " +
           first + " } }\n  b: { plugin: log, options: { path: " + second +
           " } }\nroutes: [{ from: in, to: [a, b] }]\n";
  };
  for (const auto& [first, second] : {std::pair("real/there.log", "second.log"),
                                      {"real/there.log", "link.log"},
                                      {"link/new.log", "real/new.log"},
                                      {"real/../new.log", "new.log"}}) {
    const auto loaded = at.load(text(first, second));
    INFO(first << " and " << second);
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].code == "own-file");
    CHECK(loaded.diagnostics[0].place->line == 4);
    CHECK(config::load_text(text(first, second), at.folder / "hub.yaml", at.registry,
                            config::Reading::again)
              .ok());
  }
  CHECK(at.load(text("real/there.log", "real/there.log.2")).ok());
}
