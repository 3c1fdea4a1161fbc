// SPDX-License-Identifier: Apache-2.0
// Workers that follow each other on one memory, each with another configuration.
#include "worker/topology.h"

#include <fcntl.h>
#include <standpipe/plugin.h>
#include <standpipe/wire.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "eventually.h"
#include "worker/commit_killer.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

// One plugin for all handlers: what each was given is written down by its name; who is busy wants
// all of it later.
class Recorder : public test::PluginInside {
 public:
  Recorder()
      : PluginInside("recorder", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                                  nullptr, close, destroy, nullptr, nullptr}) {}

  static std::map<std::string, Texts>& got() {
    static std::map<std::string, Texts> it;
    return it;
  }
  static std::set<std::string>& busy() {
    static std::set<std::string> it;
    return it;
  }

  // Handlers that send all that they get to a FIFO.
  static std::map<std::string, std::string>& outputs() {
    static std::map<std::string, std::string> it;
    return it;
  }

 private:
  struct Instance {
    const standpipe_host* host;
    std::string name;
    std::uint32_t output = 0;
  };
  static std::uint32_t create(const standpipe_host* host, const standpipe_config* config,
                              void** self, standpipe_reason*) {
    *self = new Instance{host, {config->instance.data, config->instance.size}};
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void* self, standpipe_reason*) {
    auto& it = *static_cast<Instance*>(self);
    const auto path = outputs().find(it.name);
    if (path == outputs().end()) return STANDPIPE_OK;
    if (busy().contains("before " + it.name)) return STANDPIPE_DISCONNECTED;
    it.output = test::add_fifo(*it.host, path->second);
    if (busy().contains("open " + it.name)) return STANDPIPE_DISCONNECTED;
    if (it.name.starts_with("all")) send_all(*it.host, it.output);
    return STANDPIPE_OK;
  }
  static void send_all(const standpipe_host& host, std::uint32_t output) {
    const auto* power = static_cast<const standpipe_output*>(host.extension(
        host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
    REQUIRE(power->send_all(host.self, output) == 1);
  }
  static void close(void*) {}
  static void destroy(void* self) { delete static_cast<Instance*>(self); }
  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
    const auto& it = *static_cast<Instance*>(self);
    const bool is_busy = busy().contains(it.name);
    result->output = it.output;
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const auto& m = message(*batch, i);
      if (!is_busy) got()[it.name].emplace_back(reinterpret_cast<const char*>(m.data), m.size);
      result->outcomes[i] = is_busy     ? STANDPIPE_RETRY
                            : it.output ? STANDPIPE_SEND
                                        : STANDPIPE_DELIVERED;
    }
    return STANDPIPE_OK;
  }
};

// What a hub says of its giving way.
struct Listening final : worker::Reloading {
  void want() override {}
  void on_event() override {}
  void on_timer() override {}
  void go() override { goes = true; }
  void stays(const std::string& because) override { why = because; }
  bool goes = false;
  std::string why;
};

// A folder with FIFOs, and workers that follow each other there under one keeper. Routes are
// "SOURCE -> HANDLER", or "SOURCE -> HANDLER if TEXT".
class Kit {
 public:
  Kit() {
    Recorder::got().clear();
    Recorder::busy().clear();
    Recorder::outputs().clear();
  }
  ~Kit() { test::CommitKiller::disarm(); }

  // The next worker begins with this configuration; the one before it is as dead as a kill leaves
  // it.
  void begin(const Texts& sources, const Texts& handlers, const Texts& routes) {
    end();
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options_of(sources, handlers, routes), clock, reporter,
                                        *link);
    (void)hub->start(5s);
  }
  // The same, and it may give way again to one that has what `before` has.
  void begin_trial(const Texts& sources, const Texts& handlers, const Texts& routes,
                   const worker::HubNames& before) {
    end();
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options_of(sources, handlers, routes), clock, reporter,
                                        *link, false, &before);
    (void)hub->start(5s);
  }
  void end() {
    hub.reset();
    keeper.die();
  }
  // Begins one, which is killed at that commit. false: it had fewer.
  static bool killed(int commit, bool after, const std::function<void()>& begins) try {
    using Killer = test::CommitKiller;
    Killer::arm(commit - 1, after ? Killer::When::after : Killer::When::before);
    begins();
    Killer::disarm();
    return false;
  } catch (const test::KilledAtCommit&) {
    return true;
  }
  bool begin_killed(int commit, bool after, const Texts& sources, const Texts& handlers,
                    const Texts& routes) {
    return killed(commit, after, [&] { begin(sources, handlers, routes); });
  }
  // The run ends, and what is left is saved. The next worker is the first of another one.
  void stop() {
    keeper.want_stop(), keeper.want_stop();
    hub->run();
    end();
    keeper.forget_all();
  }
  // A message of which sixteen fill a small log, or one a FIFO.
  std::string large(int number) const {
    return std::to_string(number) + ' ' + std::string(large_bytes, '.');
  }
  // Until its log is full and so much is in its FIFO. Returns how many were sent.
  int fill(const std::string& source, int in_fifo) {
    int sent = 0;
    while (!hub->sources()[1].is_full && sent < 2000) {
      send(source, large(sent++));
      hub->round(), hub->round();
    }
    REQUIRE(hub->sources()[1].is_full);
    for (int i = 0; i < in_fifo; ++i) send(source, large(sent++));
    hub->round();
    return sent;
  }
  // Steps until that is so.
  void until(const std::function<bool()>& done) {
    REQUIRE(test::eventually(done, [&] { hub->round(); }));
  }
  void until_line(const std::string& source, const std::string& handler, const std::string& text) {
    (void)test::eventually([&] { return line(source, handler) == text; }, [&] { hub->round(); });
    REQUIRE(line(source, handler) == text);
  }
  void send(const std::string& source, const std::string& text) { write(source, frame(text)); }
  void write(const std::string& source, const std::string& bytes) {
    auto& fd = writers_[path_of(source)];
    if (!fd) fd = Fd(::open(path_of(source).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  static std::string frame(const std::string& text) {
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, static_cast<std::uint32_t>(text.size()));
    return std::string(reinterpret_cast<const char*>(header), sizeof header) + text;
  }
  std::string line(const std::string& source, const std::string& handler) const {
    for (const auto& line : hub->account().lines)
      if (line.source == source && line.handler == handler)
        return std::to_string(line.tally.matched) + " matched, " +
               std::to_string(line.tally.delivered) + " delivered, " +
               std::to_string(line.in_flight) + " in flight";
    return "none";
  }
  std::uint64_t accepted(const std::string& source) const {
    for (const auto& s : hub->account().sources)
      if (s.name == source) return s.counters.accepted;
    return 0;
  }
  Texts got(const std::string& handler) const { return Recorder::got()[handler]; }
  Texts sorted(const std::string& handler) const {
    auto texts = got(handler);
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  // That handler sends to a FIFO of its own, or another one's.
  void sends(const std::string& handler, const std::string& to) {
    Recorder::outputs()[handler] = folder / to;
    (void)::mkfifo((folder / to).c_str(), 0600);
  }
  // What its reader can read now; "nothing" from those who may still write, "the end" when there
  // are none.
  std::string read(const std::string& from) {
    auto& fd = readers_[from];
    if (!fd) fd = Fd(::open((folder / from).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    char bytes[1000];
    const auto n = ::read(fd.get(), bytes, sizeof bytes);
    return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : n == 0 ? "the end" : "nothing";
  }
  // All that it has read so far.
  const std::string& read_more(const std::string& from) {
    auto& all = read_[from];
    for (auto more = read(from); more != "nothing" && more != "the end"; more = read(from))
      all += more;
    return all;
  }
  void busy(const std::string& handler) { Recorder::busy().insert(handler); }
  void ready(const std::string& handler) { Recorder::busy().erase(handler); }
  // What the memory has, when no worker is there.
  Texts names(state::Kind kind) {
    end();
    const auto inherited = keeper.start();
    state::Memory memory(std::move(*inherited->retrieve(state::kMemoryName)));
    return state::Directory(memory).names(kind);
  }
  bool has_reader(const std::string& source) {
    const Fd writer(::open(path_of(source).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return bool(writer);
  }
  std::string path_of(const std::string& source) {
    return paths.contains(source) ? paths[source] : folder / source;
  }

  std::uint64_t memory_max = 16 * MiB;
  std::uint64_t log_size_max = source::SourceOptions{}.log_size_max;
  std::size_t large_bytes = 1000;
  Nanoseconds drain_timeout = 10s;
  std::string data_dir = "data";
  std::map<std::string, std::string> paths;  // of sources that are not called like their FIFO
  test::TemporaryFolder folder;
  test::ToyKeeper keeper;
  std::unique_ptr<keeper::Link> link;
  SystemClock clock;
  test::Quiet reporter;
  std::unique_ptr<worker::Hub> hub;

 private:
  config::HubOptions options_of(const Texts& sources, const Texts& handlers, const Texts& routes) {
    config::HubOptions options;
    options.data_dir = folder / data_dir;
    options.data_dir_by_default = true;
    options.memory_max = memory_max;
    options.drain_timeout = drain_timeout;
    for (const auto& name : sources)
      options.sources.push_back(
          {.name = name, .path = path_of(name), .log_size_max = log_size_max});
    for (const auto& name : handlers) {
      deliver::HandlerOptions handler;
      handler.name = name;
      handler.plugin = &recorder_.plugin;
      handler.attempts_max = 0;
      handler.backoff_initial = handler.backoff_max = 1ms;
      options.handlers.push_back(std::move(handler));
    }
    for (const auto& text : routes) {
      std::istringstream words(text);
      std::string from, arrow, to, condition, what;
      words >> from >> arrow >> to >> condition >> what;
      match::RouteOptions route{text, {place(from, sources)}, {}, {place(to, handlers)}, false};
      if (!what.empty()) route.rule = match::text_rule(match::Op::contains, what);
      options.routes.push_back(std::move(route));
    }
    return options;
  }
  static std::size_t place(const std::string& name, const Texts& names) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  }

  Recorder recorder_;
  std::map<std::string, Fd> readers_;
  std::map<std::string, std::string> read_;  // `read_more`
  std::map<std::string, Fd> writers_;        // by path; they stay, as most do
};

}  // namespace

TEST_CASE("sources, handlers and routes in another order are the same ones") {
  Kit kit;
  kit.busy("x"), kit.busy("y");
  kit.begin({"a", "b"}, {"x", "y"}, {"a -> x if 1", "a -> y if 2", "b -> y"});
  for (const auto* text : {"a1", "a2", "a12"}) kit.send("a", text);
  kit.send("b", "b1");
  kit.until_line("b", "y", "1 matched, 0 delivered, 1 in flight");
  kit.until_line("a", "y", "2 matched, 0 delivered, 2 in flight");
  kit.ready("x"), kit.ready("y");
  kit.begin({"b", "a"}, {"y", "x"}, {"b -> y", "a -> y if 2", "a -> x if 1"});
  kit.until_line("a", "x", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("a", "y", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("b", "y", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.got("x") == Texts{"a1", "a12"});
  kit.send("a", "again 1");
  kit.until_line("a", "x", "3 matched, 3 delivered, 0 in flight");
  CHECK(kit.line("a", "y") == "2 matched, 2 delivered, 0 in flight");
}

TEST_CASE("what was added works beside what was there") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.send("a", "one");
  kit.until_line("a", "x", "1 matched, 0 delivered, 1 in flight");
  kit.ready("x");
  kit.begin({"new", "a"}, {"z", "x"}, {"a -> z", "a -> x", "new -> x", "new -> z"});
  kit.send("a", "two");
  kit.send("new", "three");
  kit.until_line("a", "x", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("a", "z", "1 matched, 1 delivered, 0 in flight");
  kit.until_line("new", "z", "1 matched, 1 delivered, 0 in flight");
  kit.until_line("new", "x", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.sorted("z") == Texts{"three", "two"});
}

TEST_CASE("a source that is removed is read no more; what it has is delivered, and then it goes") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  kit.send("a", "one");
  const auto late = Kit::frame("late");
  kit.write("a", late.substr(0, 3));  // the beginning of a length
  kit.until_line("a", "x", "1 matched, 0 delivered, 1 in flight");
  kit.ready("x");
  kit.begin({"b"}, {"x"}, {"b -> x"});
  kit.write("a", late.substr(3));
  kit.send("b", "two");
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
  kit.until_line("b", "x", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.accepted("a") == 1);

  SECTION("it is not closed yet") {
    CHECK(kit.names(state::Kind::source) == Texts{"a", "b"});
    kit.begin({"b"}, {"x"}, {"b -> x"});
    CHECK(kit.accepted("a") == 1);
  }
  kit.hub->begin_for_good();
  CHECK(kit.accepted("a") == 2);  // in no account before it was read for the last time
  kit.hub->round();               // which trims
  kit.begin({"b"}, {"x"}, {"b -> x"});
  CHECK(kit.line("a", "x") == "none");
  kit.end();
  CHECK_FALSE(kit.keeper.keeps("source/a"));
  CHECK(kit.names(state::Kind::source) == Texts{"b"});
  CHECK(kit.names(state::Kind::delivery) == Texts{"b -> x"});

  kit.begin({"b", "c"}, {"x"}, {"b -> x", "c -> x"});
  kit.send("c", "three");
  kit.until_line("c", "x", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.names(state::Kind::source) == Texts{"c", "b"});  // in the slot that was freed
}

TEST_CASE("a source that is removed is read no more, though there is no place for spills") {
  Kit kit;
  kit.data_dir = "file/data";
  std::ofstream(kit.folder / "file") << "no folder";
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  kit.send("a", "one");
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
  kit.busy("x");
  kit.send("a", "two");
  kit.until_line("a", "x", "2 matched, 1 delivered, 1 in flight");
  kit.begin({"b"}, {"x"}, {"b -> x"});
  kit.ready("x");
  kit.send("a", "late");
  kit.send("b", "three");
  kit.until_line("a", "x", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("b", "x", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.accepted("a") == 2);
}

TEST_CASE(
    "a handler that is removed leaves orphans, which hold up nobody, and wait on the disk after a "
    "stop") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a"}, {"x", "y"}, {"a -> x", "a -> y"});
  kit.send("a", "one");
  kit.until_line("a", "y", "1 matched, 1 delivered, 0 in flight");
  kit.begin({"a"}, {"y"}, {"a -> y"});
  kit.send("a", "two");
  kit.until_line("a", "y", "2 matched, 2 delivered, 0 in flight");
  CHECK(kit.line("a", "x") == "1 matched, 0 delivered, 1 in flight");
  REQUIRE(kit.hub->orphans().size() == 1);
  CHECK(kit.hub->orphans()[0].source == "a");
  CHECK(kit.hub->orphans()[0].handler == "x");
  CHECK(kit.hub->orphans()[0].messages == 1);

  SECTION("it comes back") {
    kit.ready("x");
    kit.begin({"a"}, {"y", "x"}, {"a -> y", "a -> x"});
    kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
    CHECK(kit.got("x") == Texts{"one"});
    CHECK(kit.hub->orphans().empty());
  }
  SECTION("the hub stops") {
    kit.keeper.want_stop();
    kit.hub->run();
    kit.keeper.forget_all();
    kit.ready("x");
    kit.begin({"a"}, {"x", "y"}, {"a -> x", "a -> y"});
    kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
    CHECK(kit.got("x") == Texts{"one"});
  }
}

TEST_CASE("what a handler had that is removed is dead-lettered once its configuration stays") {
  Kit kit;
  kit.busy("gone");
  kit.begin({"a"}, {"x", "gone"}, {"a -> x", "a -> gone"});
  for (int i = 0; i < 3; ++i) kit.send("a", "message " + std::to_string(i));
  kit.until_line("a", "gone", "3 matched, 0 delivered, 3 in flight");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  REQUIRE(kit.hub->orphans().size() == 1);
  kit.hub->begin_for_good();
  kit.until([&] { return kit.hub->orphans().empty(); });
  kit.until_line("a", "gone", "3 matched, 0 delivered, 0 in flight");
  for (const auto& line : kit.hub->account().lines)
    if (line.handler == "gone") CHECK(line.tally.dead_by[4] == 3);  // shutdown
  kit.begin({"a"}, {"x"}, {"a -> x"});
  CHECK(kit.names(state::Kind::handler) == Texts{"x"});
}

TEST_CASE("what a removed handler sent and nobody read is dead-lettered, and then all of it goes") {
  Kit kit;
  kit.sends("fwd", "out");
  kit.begin({"a"}, {"x", "fwd"}, {"a -> x", "a -> fwd"});
  for (int i = 0; i < 3; ++i) kit.send("a", "message " + std::to_string(i));
  kit.until([&] { return kit.got("fwd").size() == 3; });
  CHECK(kit.line("a", "fwd") == "3 matched, 0 delivered, 3 in flight");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.hub->begin_for_good();
  kit.until_line("a", "fwd", "3 matched, 0 delivered, 0 in flight");
  for (const auto& line : kit.hub->account().lines)
    if (line.handler == "fwd") CHECK(line.tally.dead_by[4] == 3);  // shutdown
  kit.begin({"a"}, {"x"}, {"a -> x"});
  CHECK(kit.names(state::Kind::handler) == Texts{"x"});
  CHECK(kit.names(state::Kind::output).empty());
}

TEST_CASE("what a removed handler sent stays where another one sends to") {
  Kit kit;
  kit.sends("fwd", "out"), kit.sends("all", "out");
  kit.begin({"a"}, {"x", "fwd"}, {"a -> x", "a -> fwd"});
  kit.send("a", "one");
  kit.until([&] { return kit.got("fwd").size() == 1; });
  kit.begin({"a"}, {"x", "all"}, {"a -> x", "a -> all"});
  kit.hub->begin_for_good();
  for (int i = 0; i < 20; ++i) kit.hub->round();
  CHECK(kit.line("a", "fwd") == "1 matched, 0 delivered, 1 in flight");
  std::string read;
  kit.until([&] {
    if (const auto more = kit.read("out"); more != "nothing" && more != "the end") read += more;
    return kit.line("a", "fwd") == "1 matched, 1 delivered, 0 in flight";
  });
  CHECK(read == Kit::frame("one"));
}

TEST_CASE("what an earlier run left for handlers that are gone, or get nothing now, is settled") {
  Kit kit;
  kit.busy("gone"), kit.busy("y");
  kit.begin({"a"}, {"x", "gone", "y"}, {"a -> x", "a -> gone", "a -> y"});
  for (int i = 0; i < 3; ++i) kit.send("a", "message " + std::to_string(i));
  kit.until_line("a", "gone", "3 matched, 0 delivered, 3 in flight");
  kit.until_line("a", "y", "3 matched, 0 delivered, 3 in flight");
  kit.stop();
  kit.ready("y");
  kit.begin({"a"}, {"x", "y"}, {"a -> x"});
  kit.until_line("a", "gone", "3 matched, 0 delivered, 0 in flight");
  kit.until_line("a", "y", "3 matched, 3 delivered, 0 in flight");
  CHECK(kit.got("y").size() == 3);
  CHECK(kit.got("x").size() == 3);  // in the run before
  for (const auto& line : kit.hub->account().lines)
    if (line.handler == "gone") CHECK(line.tally.dead_by[4] == 3);  // shutdown
  kit.begin({"a"}, {"x", "y"}, {"a -> x"});
  CHECK(kit.names(state::Kind::delivery) == Texts{"a -> x"});
}

TEST_CASE("a source that is removed is closed once its configuration stays, and comes back") {
  Kit kit;
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.hub->begin_for_good();
  CHECK(::open(kit.path_of("b").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1);
  CHECK(errno == ENXIO);  // nobody reads it
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  kit.until([&] {
    return kit.hub->sources()[1].inlet->state().kind == worker::SourceState::Kind::serving;
  });
  kit.send("b", "again");
  kit.until_line("b", "x", "1 matched, 1 delivered, 0 in flight");
}

TEST_CASE("a hub does not give way while what is in a leaving source's FIFO has no room") {
  Kit kit;
  kit.log_size_max = 16 * KiB;
  kit.drain_timeout = 200ms;
  kit.busy("x");
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  const auto sent = kit.fill("b", 10);
  Listening listening;
  kit.hub->serve(listening);
  kit.hub->begin_succession({.sources = {"b"}, .handlers = {}});
  kit.until([&] { return listening.goes || !listening.why.empty(); });
  CHECK_FALSE(listening.goes);
  CHECK_THAT(listening.why, Catch::Contains("b is to go, and there is no room for "));
  listening.why.clear();
  kit.ready("x");
  kit.drain_timeout = 10s;
  kit.hub->begin_succession({.sources = {"b"}, .handlers = {}});
  kit.until([&] { return kit.hub->gives_way(); });
  CHECK(kit.accepted("b") == static_cast<std::uint64_t>(sent));
}

TEST_CASE("a source that has gone is closed when its log had room for all in its FIFO") {
  Kit kit;
  kit.large_bytes = 60'000;
  kit.busy("x");
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  const auto sent = static_cast<std::uint64_t>(kit.fill("b", 0));
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.hub->begin_for_good();
  for (int i = 0; i < 20; ++i) kit.hub->round();
  CHECK(kit.accepted("b") < sent);
  kit.ready("x");
  kit.until([&] { return kit.accepted("b") == sent; });
  kit.until([&] { return !kit.has_reader("b"); });
}

TEST_CASE("while a configuration is tried, nothing goes that the one before has") {
  Kit kit;
  kit.begin({"a", "b"}, {"x", "y"}, {"a -> x", "b -> y"});
  kit.send("b", "one");
  kit.until_line("b", "y", "1 matched, 1 delivered, 0 in flight");
  const auto before = kit.hub->names();
  kit.begin_trial({"a"}, {"x"}, {"a -> x"}, before);
  CHECK(kit.names(state::Kind::source) == Texts{"a", "b"});
  kit.begin({"a", "b"}, {"x", "y"}, {"a -> x", "b -> y"});
  CHECK(kit.line("b", "y") == "1 matched, 1 delivered, 0 in flight");
}

TEST_CASE("a source that goes only in a trial is fed on with what an earlier run left of it") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  for (int i = 0; i < 30; ++i) kit.send("b", kit.large(i));
  kit.until_line("b", "x", "30 matched, 0 delivered, 30 in flight");
  kit.stop();
  kit.log_size_max = 16 * KiB;
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  const auto before = kit.hub->names();
  kit.begin_trial({"a"}, {"x"}, {"a -> x"}, before);
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  kit.ready("x");
  kit.send("b", "the last");
  kit.until([&] { return kit.got("x").size() == 31; });
  CHECK(kit.got("x").back() == "the last");
  CHECK(kit.got("x").front() == kit.large(0));
}

TEST_CASE("a route that goes in a trial is found again by its source's other name") {
  Kit kit;
  kit.begin({"old"}, {"x", "y"}, {"old -> x", "old -> y"});
  kit.send("old", "one");
  kit.until_line("old", "y", "1 matched, 1 delivered, 0 in flight");
  kit.until_line("old", "x", "1 matched, 1 delivered, 0 in flight");
  const auto before = kit.hub->names();
  kit.paths["new"] = kit.path_of("old");
  kit.begin_trial({"new"}, {"x", "y"}, {"new -> x"}, before);
  kit.begin({"old"}, {"x", "y"}, {"old -> x", "old -> y"});
  CHECK(kit.line("old", "y") == "1 matched, 1 delivered, 0 in flight");
}

TEST_CASE("a source that goes gives up nothing of an earlier run, and gives way only after it") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  for (int i = 0; i < 40; ++i) kit.send("b", kit.large(i));
  kit.until_line("b", "x", "40 matched, 0 delivered, 40 in flight");
  kit.stop();
  kit.log_size_max = 16 * KiB;
  kit.drain_timeout = 200ms;
  kit.begin({"a", "b"}, {"x"}, {"a -> x", "b -> x"});
  Listening listening;
  kit.hub->serve(listening);
  kit.hub->begin_succession({.sources = {"b"}, .handlers = {}});
  kit.until([&] { return listening.goes || !listening.why.empty(); });
  CHECK(listening.why ==
        "b is to go, and what an earlier run left of it is not delivered fast enough");
  kit.ready("x");
  kit.send("b", "the last");
  kit.hub->begin_succession({.sources = {"b"}, .handlers = {}});
  kit.until([&] { return kit.hub->gives_way(); });
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.hub->begin_for_good();
  kit.until([&] { return kit.got("x").size() == 41; });
  CHECK(kit.got("x").back() == "the last");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  CHECK(kit.names(state::Kind::source) == Texts{"a"});
}

TEST_CASE("nothing is read while a configuration is tried") {
  Kit kit;
  kit.begin({"a"}, {"x"}, {"a -> x"});
  const auto before = kit.hub->names();
  kit.begin_trial({"a"}, {"x"}, {"a -> x"}, before);
  kit.send("a", "one");
  kit.hub->round();  // it hears of it
  CHECK(kit.accepted("a") == 0);
  kit.hub->begin_for_good();
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
}

TEST_CASE("a handler with another name is another one") {
  Kit kit;
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.send("a", "one");
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
  kit.begin({"a"}, {"renamed"}, {"a -> renamed"});
  kit.send("a", "two");
  kit.until_line("a", "renamed", "1 matched, 1 delivered, 0 in flight");
  CHECK(kit.got("renamed") == Texts{"two"});
  CHECK(kit.line("a", "x") == "none");
  CHECK(kit.accepted("a") == 2);
}

TEST_CASE("a route that is removed brings nothing new, and what it brought is delivered") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a"}, {"x", "y"}, {"a -> x", "a -> y"});
  kit.send("a", "one");
  kit.until_line("a", "x", "1 matched, 0 delivered, 1 in flight");
  kit.ready("x");
  kit.begin({"a"}, {"x", "y"}, {"a -> y"});
  kit.send("a", "two");
  kit.until_line("a", "y", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
  kit.begin({"a"}, {"x", "y"}, {"a -> y"});
  CHECK(kit.line("a", "x") == "none");
  CHECK(kit.got("x") == Texts{"one"});
}

TEST_CASE("a source with another name and the same FIFO takes along what it has") {
  Kit kit;
  kit.busy("x");
  kit.begin({"old"}, {"x"}, {"old -> x"});
  kit.send("old", "one");
  kit.until_line("old", "x", "1 matched, 0 delivered, 1 in flight");
  const auto two = Kit::frame("two");
  kit.write("old", two.substr(0, 5));
  kit.until([&] { return kit.hub->sources()[0].inlet->log().incomplete_bytes() == 5; });
  kit.paths["new"] = kit.path_of("old");
  kit.ready("x");
  kit.begin({"new"}, {"x"}, {"new -> x"});
  kit.write("new", two.substr(5));
  kit.until_line("new", "x", "2 matched, 2 delivered, 0 in flight");
  CHECK(kit.got("x") == Texts{"one", "two"});
  CHECK(kit.accepted("new") == 2);
  kit.end();
  CHECK_FALSE(kit.keeper.keeps("source/old"));
  CHECK(kit.names(state::Kind::source) == Texts{"new"});
}

TEST_CASE("what a handler that is removed had sent goes to its reader, and then its output goes") {
  Kit kit;
  kit.sends("fwd", "out");
  kit.begin({"a"}, {"x", "fwd"}, {"a -> fwd"});
  kit.send("a", "one");
  kit.until([&] { return kit.got("fwd").size() == 1; });
  kit.begin({"a"}, {"x"}, {"a -> x"});
  CHECK(kit.line("a", "fwd") == "1 matched, 0 delivered, 1 in flight");
  std::string read;
  kit.until([&] {
    if (const auto more = kit.read("out"); more != "nothing" && more != "the end") read += more;
    return kit.line("a", "fwd") == "1 matched, 1 delivered, 0 in flight";
  });
  CHECK(read == Kit::frame("one"));
  CHECK(kit.read("out") == "nothing");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.until([&] { return kit.read("out") == "the end"; });  // its keeper has closed it, too
  CHECK(kit.names(state::Kind::handler) == Texts{"x"});
  CHECK(kit.names(state::Kind::output).empty());
  CHECK_FALSE(kit.keeper.keeps("output/0/fifo"));
}

TEST_CASE("an output that gets all without its handler being called goes with that, too") {
  Kit kit;
  kit.sends("all", "out");
  kit.begin({"a"}, {"x", "all"}, {"a -> all"});
  (void)kit.read("out");
  kit.send("a", "one");
  std::string read = "nothing";
  kit.until([&] {
    if (read == "nothing" || read == "the end") read = kit.read("out");
    return kit.line("a", "all") == "1 matched, 1 delivered, 0 in flight";
  });
  CHECK(kit.got("all").empty());
  CHECK(read == Kit::frame("one"));
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.until([&] { return kit.read("out") == "the end"; });  // its keeper has closed it, too
  CHECK(kit.names(state::Kind::output).empty());
}

TEST_CASE("a reader sees no end when another handler sends to its FIFO from now on") {
  Kit kit;
  kit.sends("old", "out");
  kit.sends("new", "out");
  kit.begin({"a"}, {"old"}, {"a -> old"});
  std::string read;
  const auto read_all = [&](std::size_t bytes) {
    kit.until([&] {
      if (const auto more = kit.read("out"); more != "nothing" && more != "the end") read += more;
      return read.size() >= bytes;
    });
  };
  kit.send("a", "one");
  read_all(7);
  kit.until_line("a", "old", "1 matched, 1 delivered, 0 in flight");
  for (int i = 0; i < 2; ++i) {
    kit.begin({"a"}, {"new"}, {"a -> new"});
    CHECK(kit.read("out") == "nothing");
    kit.send("a", "more");
    read_all(7 + 8 * (static_cast<std::size_t>(i) + 1));
    CHECK(kit.read("out") == "nothing");
  }
  CHECK(read == Kit::frame("one") + Kit::frame("more") + Kit::frame("more"));
  CHECK(kit.names(state::Kind::handler) == Texts{"new"});
  CHECK(kit.names(state::Kind::output).size() == 1);
}

TEST_CASE(
    "what nobody read where a handler sends no more goes where it sends now, and comes first") {
  Kit kit;
  kit.sends("fwd", "mistyped");
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  kit.send("a", "one");
  kit.until([&] { return kit.got("fwd").size() == 1; });
  kit.sends("fwd", "out");
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  kit.send("a", "two");
  kit.until([&] { return kit.read_more("out").size() == 14; });
  CHECK(kit.read_more("out") == Kit::frame("one") + Kit::frame("two"));
  kit.until_line("a", "fwd", "2 matched, 2 delivered, 0 in flight");
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  CHECK(kit.read("mistyped") == "the end");
  CHECK(kit.read("out") == "nothing");
  CHECK(kit.names(state::Kind::output) == Texts{kit.folder / "out"});
}

TEST_CASE(
    "a reader that stands still keeps what is in its pipe, and the next place gets the rest") {
  Kit kit;
  kit.sends("fwd", "old");
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  (void)kit.read("old");
  constexpr int kMessages = 400;
  std::string sent;
  const auto send = [&](int number) {
    kit.send("a", kit.large(number));
    sent += Kit::frame(kit.large(number));
    kit.hub->round();
  };
  for (int i = 0; i < kMessages; ++i) send(i);
  kit.until([&] { return kit.got("fwd").size() == kMessages; });
  const auto before = kit.hub->names();
  kit.sends("fwd", "new");
  kit.begin_trial({"a"}, {"fwd"}, {"a -> fwd"}, before);
  kit.hub->begin_for_good();
  for (int i = kMessages; i < kMessages + 10; ++i) send(i);
  kit.until([&] { return kit.read_more("new").ends_with(Kit::frame(kit.large(kMessages + 9))); });
  kit.until(
      [&] { return kit.read_more("old").size() + kit.read_more("new").size() == sent.size(); });
  CHECK(kit.read_more("old").size() > 1000);
  CHECK((kit.read_more("old") + kit.read_more("new") == sent));
  kit.until_line("a", "fwd", "410 matched, 410 delivered, 0 in flight");
  kit.until([&] { return kit.read("old") == "the end"; });
  CHECK(kit.read("new") == "nothing");
  CHECK_FALSE(kit.keeper.keeps("output/0/fifo"));
}

TEST_CASE("a reader sees no end while a handler that has not begun may yet ask for its FIFO") {
  Kit kit;
  kit.sends("old", "out");
  kit.begin({"a"}, {"old"}, {"a -> old"});
  (void)kit.read("out");
  kit.send("a", "one");
  kit.until([&] { return kit.read_more("out").ends_with(Kit::frame("one")); });
  const auto before = kit.hub->names();
  kit.busy("before new");
  kit.sends("new", "out");
  kit.begin_trial({"a"}, {"new"}, {"a -> new"}, before);
  kit.hub->begin_for_good();
  const auto begin = kit.clock.steady();
  while (kit.clock.steady() - begin < 2500ms) {
    kit.hub->round();
    REQUIRE(kit.read("out") == "nothing");
  }
  kit.ready("before new");
  kit.send("a", "two");
  kit.until([&] { return kit.read_more("out").ends_with(Kit::frame("two")); });
}

TEST_CASE("what a handler that has gone sent to is closed when its reader has all") {
  Kit kit;
  kit.sends("fwd", "out");
  kit.begin({"a"}, {"x", "fwd"}, {"a -> fwd"});
  (void)kit.read("out");
  kit.send("a", "one");
  kit.until([&] { return kit.got("fwd").size() == 1; });
  const auto before = kit.hub->names();
  kit.begin_trial({"a"}, {"x"}, {"a -> x"}, before);
  kit.hub->begin_for_good();
  kit.until([&] { return kit.read_more("out") == Kit::frame("one"); });
  kit.until([&] { return kit.read("out") == "the end"; });
  CHECK(kit.line("a", "fwd") == "1 matched, 1 delivered, 0 in flight");
}

TEST_CASE("while a configuration is tried, a handler's old output stays as it was") {
  Kit kit;
  kit.sends("fwd", "old");
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  (void)kit.read("old");
  kit.send("a", "one");
  kit.until([&] { return kit.read_more("old").ends_with(Kit::frame("one")); });
  kit.busy("fwd");
  kit.send("a", "two");
  kit.until_line("a", "fwd", "2 matched, 1 delivered, 1 in flight");
  kit.ready("fwd");
  const auto before = kit.hub->names();
  const Texts both = {kit.folder / "old", kit.folder / "new"};
  for (int i = 0; i < 3; ++i) {
    kit.sends("fwd", "new");
    kit.begin_trial({"a"}, {"fwd"}, {"a -> fwd"}, before);
    for (int round = 0; round < 5; ++round) kit.hub->round();
    CHECK(kit.got("fwd").size() == 1);  // where the second one goes is not decided
    CHECK(kit.names(state::Kind::output) == both);
    CHECK(kit.read("old") == "nothing");
    kit.busy("fwd");
    kit.sends("fwd", "old");
    kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
    kit.ready("fwd");
    CHECK(kit.read("old") == "nothing");
  }
  kit.until([&] { return kit.read_more("old").ends_with(Kit::frame("two")); });
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  CHECK(kit.names(state::Kind::output) == Texts{both[0]});
  CHECK(kit.read("old") == "nothing");

  kit.sends("fwd", "new");
  kit.begin_trial({"a"}, {"fwd"}, {"a -> fwd"}, before);
  kit.hub->begin_for_good();
  kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
  kit.until([&] { return kit.read("old") == "the end"; });
  CHECK(kit.names(state::Kind::output) == Texts{both[1]});
}

TEST_CASE("an output that another handler has stays when one asks for it no more") {
  Kit kit;
  kit.sends("fwd", "shared"), kit.sends("other", "shared");
  kit.begin({"a"}, {"fwd", "other"}, {"a -> fwd", "a -> other"});
  kit.send("a", "one");
  kit.until([&] { return kit.got("fwd").size() + kit.got("other").size() == 2; });
  kit.sends("fwd", "own");
  kit.begin({"a"}, {"fwd", "other"}, {"a -> fwd", "a -> other"});
  kit.hub->begin_for_good();
  kit.until([&] { return kit.read_more("shared").size() == 14; });
  kit.send("a", "two");
  kit.until([&] { return kit.read_more("own") == Kit::frame("two"); });
  kit.until([&] { return kit.read_more("shared").size() == 21; });
  CHECK(kit.read_more("shared") == Kit::frame("one") + Kit::frame("one") + Kit::frame("two"));
  kit.begin({"a"}, {"fwd", "other"}, {"a -> fwd", "a -> other"});
  CHECK(kit.read("shared") == "nothing");
}

TEST_CASE("what a handler opened that could not begin goes with it") {
  Kit kit;
  kit.sends("fwd", "out");
  kit.busy("open fwd");
  kit.begin({"a"}, {"x", "fwd"}, {"a -> x"});
  CHECK(kit.names(state::Kind::output) == Texts{kit.folder / "out"});
  kit.begin({"a"}, {"x"}, {"a -> x"});
  CHECK(kit.names(state::Kind::output).empty());
}

TEST_CASE("a handler may send to another place after each of many changes") {
  Kit kit;
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    kit.sends("fwd", "out-" + std::to_string(i));
    kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
    most = std::max(most, kit.names(state::Kind::output).size());
  }
  CHECK(most == 2);
}

TEST_CASE("a worker that is killed at any commit of a change of outputs loses nothing") {
  for (const bool after : {false, true}) {
    bool killed = true;
    for (int commit = 1; killed; ++commit) {
      Kit kit;
      kit.sends("fwd", "mistyped");
      kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
      kit.send("a", "one");
      kit.until([&] { return kit.got("fwd").size() == 1; });
      kit.sends("fwd", "out");
      killed = kit.killed(commit, after, [&] { kit.begin({"a"}, {"fwd"}, {"a -> fwd"}); });
      INFO("killed " << (after ? "after" : "before") << " commit " << commit);
      kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
      kit.hub->begin_for_good();  // what the one before it has noted, and not ended
      kit.until([&] {
        return kit.read_more("out") == Kit::frame("one") &&
               kit.line("a", "fwd") == "1 matched, 1 delivered, 0 in flight";
      });
      kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
      REQUIRE(kit.names(state::Kind::output) == Texts{kit.folder / "out"});
    }
  }
}

TEST_CASE("a worker that is killed while it tries another output lets the old one's reader wait") {
  for (const bool after : {false, true}) {
    bool killed = true;
    for (int commit = 1; killed; ++commit) {
      Kit kit;
      kit.sends("fwd", "old");
      kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
      (void)kit.read("old");
      kit.send("a", "one");
      kit.until([&] { return kit.read_more("old").ends_with(Kit::frame("one")); });
      const auto before = kit.hub->names();
      kit.sends("fwd", "new");
      killed =
          kit.killed(commit, after, [&] { kit.begin_trial({"a"}, {"fwd"}, {"a -> fwd"}, before); });
      INFO("killed " << (after ? "after" : "before") << " commit " << commit);
      kit.sends("fwd", "old");
      kit.begin({"a"}, {"fwd"}, {"a -> fwd"});
      REQUIRE(kit.read("old") == "nothing");
      kit.send("a", "two");
      kit.until([&] { return kit.read_more("old").ends_with(Kit::frame("two")); });
    }
  }
}

TEST_CASE("a reader sees no end when a worker is killed that tried another handler for its FIFO") {
  Kit kit;
  kit.sends("old", "out"), kit.sends("new", "out");
  kit.begin({"a"}, {"old"}, {"a -> old"});
  (void)kit.read("out");
  kit.send("a", "one");
  kit.until([&] { return kit.read_more("out").ends_with(Kit::frame("one")); });
  kit.until_line("a", "old", "1 matched, 1 delivered, 0 in flight");
  const auto before = kit.hub->names();
  kit.begin_trial({"a"}, {"new"}, {"a -> new"}, before);
  kit.begin({"a"}, {"new"}, {"a -> new"});  // it was confirmed, and killed before it did anything
  CHECK(kit.read("out") == "nothing");
  CHECK(kit.names(state::Kind::handler) == Texts{"new"});
}

TEST_CASE("the handlers of a source become more than a segment has words for, and fewer again") {
  Kit kit;
  const auto with = [&](std::size_t count) {
    Texts handlers, routes;
    for (std::size_t i = 150; i-- > 0;) {
      handlers.push_back("h" + std::to_string(i));
      if (i < count) routes.push_back("a -> " + handlers.back() + " if " + std::to_string(i % 2));
    }
    kit.begin({"a"}, handlers, routes);
  };
  kit.busy("h0");
  with(2);
  kit.send("a", "0 first");
  kit.until_line("a", "h0", "1 matched, 0 delivered, 1 in flight");
  with(150);
  for (const auto* text : {"0 second", "1 third", "0 fourth"}) kit.send("a", text);
  kit.until_line("a", "h148", "2 matched, 2 delivered, 0 in flight");
  kit.until_line("a", "h149", "1 matched, 1 delivered, 0 in flight");
  with(2);
  kit.ready("h0");
  kit.send("a", "0 fifth");
  kit.until_line("a", "h0", "4 matched, 4 delivered, 0 in flight");
  CHECK(kit.got("h0") == Texts{"0 first", "0 second", "0 fourth", "0 fifth"});
  CHECK(kit.line("a", "h148") == "none");
}

TEST_CASE("memory_max may change, and what is more than there is room for is reported") {
  Kit kit;
  kit.busy("x");
  kit.begin({"a"}, {"x"}, {"a -> x"});
  kit.send("a", std::string(60'000, 'x'));
  kit.until_line("a", "x", "1 matched, 0 delivered, 1 in flight");
  for (const auto memory_max : {1 * MiB, 512 * MiB, 4 * MiB}) {
    kit.memory_max = memory_max;
    kit.begin({"a"}, {"x"}, {"a -> x"});
    CHECK(kit.line("a", "x") == "1 matched, 0 delivered, 1 in flight");
  }
  kit.ready("x");
  kit.until_line("a", "x", "1 matched, 1 delivered, 0 in flight");
  kit.memory_max = 513 * MiB;
  CHECK_THROWS_WITH(kit.begin({"a"}, {"x"}, {"a -> x"}),
                    "the memory of this run cannot hold the configuration: it has room for a "
                    "memory_max of 512MiB, and the configuration has 513MiB");
  kit.memory_max = 16 * MiB;
  Texts many;
  for (int i = 0; i < 65; ++i) many.push_back("s" + std::to_string(i));
  CHECK_THROWS_WITH(kit.begin(many, {"x"}, {}),
                    "the memory of this run cannot hold the configuration: it has room for 64 "
                    "sources, and the configuration needs 66, with those that it no longer has, "
                    "which stay until their messages are delivered");  // "a" is still there
  many.resize(64);
  CHECK_THROWS_WITH(kit.begin(many, {"x"}, {}),
                    "the memory of this run cannot hold the configuration: it has room for 64 "
                    "sources, and the configuration needs 65, with those that it no longer has, "
                    "which stay until their messages are delivered (remove those by one reload, "
                    "reload again, and add by a third)");
}

TEST_CASE("a worker that is killed at any commit of a change leaves the next one less to do",
          "[slow]") {
  const Texts handlers_before = {"x", "gone", "y", "idle"}, handlers_after = {"new", "y", "x"};
  const Texts routes_before = {"a -> x",    "a -> gone",    "old -> y",
                               "left -> y", "idle -> idle", "a -> y"};
  const Texts routes_after = {"a -> new", "a -> x", "added -> x", "renamed -> y", "added -> new"};
  for (const bool after : {false, true}) {
    for (const bool goes_back : {false, true}) {
      bool killed = true;
      for (int commit = 1; killed; ++commit) {
        Kit kit;
        kit.paths["renamed"] = kit.path_of("old");
        for (const auto* handler : {"x", "gone", "y"}) kit.busy(handler);
        kit.begin({"a", "old", "left", "idle"}, handlers_before, routes_before);
        for (const auto* source : {"a", "old", "left"})
          kit.send(source, std::string("to ") + source);
        kit.until_line("a", "gone", "1 matched, 0 delivered, 1 in flight");
        kit.until_line("a", "y", "1 matched, 0 delivered, 1 in flight");
        kit.until_line("old", "y", "1 matched, 0 delivered, 1 in flight");
        kit.until_line("left", "y", "1 matched, 0 delivered, 1 in flight");
        killed = kit.begin_killed(commit, after, {"added", "renamed", "a"}, handlers_after,
                                  routes_after);
        for (const auto* handler : {"x", "y"}) kit.ready(handler);
        if (goes_back) kit.begin({"a", "old", "left", "idle"}, handlers_before, routes_before);
        kit.begin({"added", "renamed", "a"}, handlers_after, routes_after);
        INFO("killed " << (after ? "after" : "before") << " commit " << commit
                       << (goes_back ? ", and went back" : ""));
        kit.send("a", "two");
        kit.send("added", "three");
        kit.send("renamed", "four");
        kit.until_line("added", "new", "1 matched, 1 delivered, 0 in flight");
        kit.until([&] { return kit.got("new").size() == 2; });
        kit.until([&] { return kit.got("x").size() == 3 && kit.got("y").size() == 4; });
        REQUIRE(kit.sorted("x") == Texts{"three", "to a", "two"});
        REQUIRE(kit.sorted("y") == Texts{"four", "to a", "to left", "to old"});
        REQUIRE(kit.hub->orphans().size() == 1);
        REQUIRE(kit.line("a", "gone").ends_with(" 0 delivered, 1 in flight"));
        REQUIRE(kit.accepted("renamed") == 2);
        kit.hub->begin_for_good();
        kit.begin({"added", "renamed", "a"}, handlers_after, routes_after);
        const auto sources = kit.names(state::Kind::source);
        REQUIRE(std::set<std::string>(sources.begin(), sources.end()) ==
                std::set<std::string>{"a", "added", "renamed"});
      }
    }
  }
}
