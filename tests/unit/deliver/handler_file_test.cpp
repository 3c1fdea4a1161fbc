// SPDX-License-Identifier: Apache-2.0
// HandlerLoop and PluginHost: a plugin that lends a file to the hub.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/limits.h"
#include "deliver/handler_loop.h"
#include "fifo_kit.h"
#include "file_limit.h"
#include "needs.h"
#include "scripted.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::framed;

namespace {

const standpipe_output& outputs_of(const standpipe_host& host) {
  return *static_cast<const standpipe_output*>(host.extension(
      host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
}

// One source, one handler whose plugin opens a file when it is opened, lends it and may ask that
// all goes there. Verbs: append, run.
class Fixture final : public test::Needs {
 public:
  Fixture() {
    deliver::HandlerOptions options;
    options.name = "it";
    options.plugin = &scripted.plugin;
    scripted.on_open = [this](const auto& host) { lend(host); };
    scripted.on_close = [this] { file.reset(); };
    loop = std::make_unique<deliver::HandlerLoop>(options, 0, needs(time, memory));
    loop->create();
    delivery = &loop->add(std::make_unique<deliver::Delivery>("in", "it", 0, log, 0));
  }
  void append(int messages) {
    const std::uint64_t set = 1;
    for (int i = 0; i < messages; ++i) {
      const auto frame = framed(std::string(6, static_cast<char>('a' + sent++ % 26)));
      std::memcpy(log.room(frame.size()).data(), frame.data(), frame.size());
      log.filled(frame.size());
      REQUIRE(log.add_run(frame.size(), 1, 1, 1, {&set, 1}));
      ++delivery->edit_tally().matched;
      memory.commit();
    }
  }
  // Steps and pumps until nothing is left to do now.
  void run() {
    bool rested = false;  // what a pump gave back wants one more advance
    for (int i = 0; i < 200; ++i) {
      const bool more = loop->advance(time.now);
      if (out && !out->is_attached()) out->attach(memory, link, 0);
      if (out) out->pump(time.now += 1ms);
      delivery->check_invariants();
      const bool rests = !more && (!out || out->is_quiet()) && !loop->waits_for_output();
      if (rests && std::exchange(rested, true)) return;
      rested = rests;
      if (more || !out || out->is_quiet()) continue;
      pollfd done{out->fd(), POLLIN, 0};
      std::uint64_t count = 0;  // the hub watches by edges
      if (::poll(&done, 1, 20) == 1) (void)!::read(out->fd(), &count, sizeof count);
    }
    FAIL("it does not come to rest");
  }
  std::string content() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t frames() const { return test::unframed(content()).size(); }
  std::string path() const { return folder / "file"; }
  deliver::Output* open_file(const plugin::FileOutputRequest& request, std::string&) override {
    if (!out) out = std::make_unique<deliver::Output>(request, senders.needs(quiet, 0));
    return out.get();
  }

  test::TemporaryFolder folder;
  test::Scripted scripted;
  test::ManualClock time;
  state::Memory memory{{.memory_max = 4 * MiB}};
  log::Arena arena{memory};
  log::Log log{arena, {.id = 0, .size_max = 1 * MiB, .readers = 1}};
  keeper::Link link = keeper::Link::none();
  test::Senders senders{[this](auto) -> deliver::Delivery& { return *delivery; }};
  std::unique_ptr<deliver::Output> out;
  std::unique_ptr<deliver::HandlerLoop> loop;
  deliver::Delivery* delivery = nullptr;
  Fd file;                  // the plugin's
  std::uint64_t until = 0;  // bytes, that it asks all to go there; ~0: it does not
  int lent = 0, sent = 0;

 private:
  void lend(const standpipe_host& host) {
    file.reset(::open(path().c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    standpipe_file_output request{};
    request.size = sizeof request;
    request.fd = file.get();
    request.path = {path_.data(), path_.size()};
    REQUIRE(outputs_of(host).add_file(host.self, &request, nullptr) == 1);
    if (until != ~std::uint64_t{0})
      REQUIRE(outputs_of(host).send_all_until(host.self, 1, until, 0) == 1);
    ++lent;
  }
  std::string path_ = path();
};

}  // namespace

TEST_CASE("what the plugin sends to its file is there, and delivered then") {
  Fixture f;
  f.until = ~std::uint64_t{0};
  f.scripted.script = {"SSS"};
  f.append(3);
  f.run();
  CHECK(f.frames() == 3);
  CHECK(f.delivery->tally().delivered == 3);
}

TEST_CASE("a plugin that asks for it has everything sent to its file without being called") {
  Fixture f;
  f.append(3);
  f.run();
  f.append(4);
  f.run();
  CHECK(f.scripted.seen.empty());
  CHECK(f.frames() == 7);
  CHECK(f.delivery->tally().delivered == 7);
}

TEST_CASE("the plugin is called for the first message that finds the file at its size") {
  Fixture f;
  f.until = 45;  // of 10 bytes each
  f.append(8);
  f.run();
  CHECK(f.frames() == 5);
  CHECK(f.scripted.seen == std::vector<std::string>{"6,7,8 a1"});
}

TEST_CASE("when the file is deleted, the plugin is called for what did not go there") {
  Fixture f;
  f.append(1);
  f.run();
  REQUIRE(::unlink(f.path().c_str()) == 0);
  f.append(2);
  f.run();
  CHECK(f.scripted.seen == std::vector<std::string>{"2,3 a1"});
  CHECK(f.delivery->tally().delivered == 3);  // it said so
}

TEST_CASE(
    "a full disk is as if it had answered disconnected: whole messages stay, the rest waits") {
  Fixture f;
  f.append(2);
  f.run();
  {
    const test::FileLimit limit(45);
    f.append(4);
    f.run();
    CHECK(f.content().size() == 40);
    CHECK(f.delivery->tally().delivered == 4);
    CHECK(f.quiet.reported == std::vector<std::string>{"it: disconnected: cannot write " +
                                                       f.path() + ": File too large"});
    f.time.now += 1s;
    f.run();  // opened again, and refused again
    CHECK(f.lent == 2);
    CHECK_FALSE(f.loop->ready());
    CHECK(f.quiet.reported.size() == 1);
  }
  f.time.now += 1s;
  f.run();
  CHECK(f.frames() == 6);
  CHECK(f.delivery->tally().delivered == 6);
  CHECK(f.delivery->tally().settled() == 6);
}

TEST_CASE("its lock is free when it is closed, so that it can be opened again") {
  Fixture f;
  f.append(1);
  f.run();
  CHECK(f.out->file()->is_open());
  f.loop->want_close(f.time.now);
  f.run();
  CHECK(f.loop->closed());
  CHECK_FALSE(f.out->file()->is_open());
}
