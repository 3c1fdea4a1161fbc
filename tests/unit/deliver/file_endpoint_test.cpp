// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_endpoint.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "deliver/one_output.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::framed, test::Silent;

namespace {

using Texts = std::vector<std::string>;

// A file, and a worker that dies. As its plugin does, the test opens the file, locks it and lends
// it. Verbs: lend, send, pump, append, crash.
class Fixture : public test::OneOutput {
 public:
  explicit Fixture(Nanoseconds sync = deliver::FileWriter::kNever)
      : OneOutput([](const auto& in) { return plugin::FileOutputRequest{.path = in / "log"}; }, 0),
        sync_(sync) {
    REQUIRE(lend());
  }
  // false: somebody has its lock.
  bool lend() {
    Fd file(::open(path().c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
    output->file()->use(std::move(file), sync_);
    return true;
  }
  // Until nothing is on its way any more.
  void pump() {
    output->pump(now += 1ms);
    while (!output->is_quiet()) {
      pollfd done{output->fd(), POLLIN, 0};
      REQUIRE(::poll(&done, 1, 5000) == 1);
      std::uint64_t count = 0;  // the hub watches by edges
      REQUIRE(::read(output->fd(), &count, sizeof count) == sizeof count);
      output->pump(now += 1ms);
    }
    delivery->check_invariants();
  }
  // What came back is sent again, as a handler does.
  void send_redelivery() {
    while (!delivery->redeliveries().empty()) {
      const auto range = delivery->redeliveries().front().range;
      delivery->redeliveries().pop_front();
      output->send(*delivery, range, range.end.position - range.begin.position);
    }
    keeping->commit();
  }
  // As a write that is killed: these bytes are behind what was committed.
  void append(std::string_view bytes) const {
    const Fd file(::open(path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void crash() {
    end();
    begin(deliver::Output::Made::before);
    delivery->check_invariants();
    CHECK_FALSE(keeping->pending());
  }
  std::string content(const std::string& name = "log") const {
    std::ifstream file(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string path() const { return folder / "log"; }

  Nanoseconds now{1s};

 private:
  Nanoseconds sync_;
};

// As long as it lives, temporary folders are made where files lie in memory.
class InMemory {
 public:
  InMemory() {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", "/dev/shm", 1);
  }
  ~InMemory() {
    if (before_)
      ::setenv("TMPDIR", before_->c_str(), 1);
    else
      ::unsetenv("TMPDIR");
  }
  static bool exists() {
    const Fd shm(::open("/dev/shm", O_RDONLY | O_CLOEXEC));
    return shm && deliver::FileWriter::is_in_memory(shm.get());
  }

 private:
  std::optional<std::string> before_;
};

std::string stream(const Texts& texts) {
  std::string all;
  for (const auto& text : texts) all += framed(text);
  return all;
}

}  // namespace

TEST_CASE("what was sent is appended, and delivered then") {
  Fixture f;
  for (const auto* text : {"one", "", "three"}) f.send(text);
  CHECK(f.delivered() == 0);
  f.pump();
  CHECK(f.content() == stream({"one", "", "three"}));
  CHECK(f.delivered() == 3);
}

TEST_CASE("wherever a write is killed, each byte is there once") {
  const auto bytes = stream({"second", "third"});
  for (std::size_t written = 0; written <= bytes.size(); ++written) {
    Fixture f;
    f.send("first");
    f.pump();
    f.send("second");
    f.send("third");
    f.append(std::string_view(bytes).substr(0, written));
    f.crash();
    CHECK(f.delivered() ==
          (written == 0 ? 1u : 1 + test::unframed(bytes.substr(0, written)).size()));
    CHECK(f.content() ==
          stream({"first"}) + bytes.substr(0, f.content().size() - 9));  // whole frames
    REQUIRE(f.lend());
    f.pump();
    f.send_redelivery();
    f.pump();
    CHECK(f.content() == stream({"first", "second", "third"}));
    CHECK(f.delivered() == 3);
  }
}

TEST_CASE(
    "a file in memory has all of it when the turn is over, and is found again after a death") {
  if (!InMemory::exists()) {
    WARN("left out: /dev/shm is no tmpfs here");
    return;
  }
  const InMemory in_memory;
  Fixture f;
  for (const auto* text : {"first", "second"}) f.send(text);
  f.output->pump(f.now += 1ms);
  CHECK(f.output->is_quiet());
  CHECK(f.content() == stream({"first", "second"}));
  CHECK(f.delivered() == 2);
  f.send("third");
  f.append(framed("third").substr(0, 6));
  f.crash();
  REQUIRE(f.lend());
  f.send_redelivery();
  f.pump();
  CHECK(f.content() == stream({"first", "second", "third"}));
  CHECK(f.delivered() == 3);
}

// The file is compared with what was sent in pieces of 256 KiB.
TEST_CASE("what is far longer than one look at it is recognised to its last byte") {
  const std::size_t kLook = 256 * 1024;
  Texts texts;
  for (int i = 0; i < 40; ++i) texts.push_back(std::to_string(i) + std::string(16'000, 'x'));
  const auto bytes = stream(texts);
  REQUIRE(bytes.size() > 2 * kLook);
  for (const std::size_t changed : {bytes.size(), kLook - 1, kLook, bytes.size() - 1}) {
    Fixture f;
    for (const auto& text : texts) f.send(text);
    auto written = bytes;
    if (changed < written.size()) written[changed] ^= 1;
    f.append(written);
    f.crash();
    const bool is_ours = changed == bytes.size();
    CHECK(f.delivered() == (is_ours ? texts.size() : 0));
    CHECK(f.reporter.reported == (is_ours ? Texts{} : Texts{"file-changed"}));
  }
}

TEST_CASE("a file that was kept and not yet written to is no trouble to the next worker") {
  Fixture f;
  f.send("first");
  f.pump();
  REQUIRE(::rename(f.path().c_str(), (f.folder / "log.1").c_str()) == 0);
  const Fd next(::open(f.path().c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  f.link->keep("output/0/file", next.get());
  f.send("second");
  f.crash();
  REQUIRE(f.lend());
  f.pump();
  f.send_redelivery();
  f.pump();
  CHECK(f.content("log.1") == stream({"first"}));
  CHECK(f.content() == stream({"second"}));
}

TEST_CASE("the lock of a file is free when its worker has died, and when it was released") {
  Fixture f;
  f.send("first");
  f.pump();
  const Fd other(::open(f.path().c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) != 0);
  f.crash();
  CHECK(f.lend());
  f.output->file()->release();
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE("somebody else's bytes at the end are reported, and stay") {
  Fixture f;
  f.send("first");
  f.append("theirs");
  f.crash();
  CHECK(f.reporter.reported == Texts{"file-changed"});
  CHECK(f.content() == "theirs");
}

TEST_CASE("a file that was deleted, or moved away, is not written to: what was sent comes back") {
  for (const bool moved : {false, true}) {
    Fixture f;
    if (moved)
      REQUIRE(::rename(f.path().c_str(), (f.folder / "elsewhere").c_str()) == 0);
    else
      REQUIRE(::unlink(f.path().c_str()) == 0);
    f.send("first");
    f.pump();
    CHECK(f.output->file()->is_stopped());
    CHECK_FALSE(f.output->file()->take_failure());
    CHECK(f.delivery->redeliveries().size() == 1);
    CHECK(f.senders.returns == 1);
    REQUIRE(f.lend());
    f.send_redelivery();
    f.pump();
    CHECK(f.content() == stream({"first"}));
    CHECK(f.content("elsewhere").empty());
  }
}

TEST_CASE("a file that somebody else writes to is not written to before it was looked at") {
  Fixture f;
  f.append("theirs");
  f.send("first");
  f.pump();
  CHECK(f.content() == "theirs");
  CHECK(f.output->file()->take_failure() ==
        f.path() +
            " has 6 bytes more by somebody else: it is opened anew, and its end is looked at");
  CHECK(f.delivery->redeliveries().size() == 1);
}

TEST_CASE("a file that was emptied begins anew") {
  Fixture f;
  f.send("first");
  f.pump();
  REQUIRE(::truncate(f.path().c_str(), 0) == 0);
  f.send("second");
  f.pump();
  CHECK(f.content() == stream({"second"}));
  CHECK(f.reporter.reported == Texts{"file-changed"});
  CHECK(f.delivered() == 2);
}

TEST_CASE("sync: always settles what is on the disk") {
  Fixture f(deliver::FileWriter::kAlways);
  for (int i = 0; i < 100; ++i) f.send(std::string(1000, 'x'));
  f.pump();
  CHECK(f.delivered() == 100);
}

TEST_CASE("no further message is started: what is not on its way goes back") {
  Fixture f;
  for (const auto* text : {"one", "two"}) f.send(text);
  f.output->finish_frame();
  CHECK(f.output->all_moved());
  CHECK(f.delivery->redeliveries().size() == 2);
  CHECK(f.content().empty());
}

TEST_CASE("a stream of small messages is gathered for a moment") {
  Fixture f;
  f.send("one");
  f.output->pump(f.now);  // its job begins now
  pollfd done{f.output->fd(), POLLIN, 0};
  REQUIRE(::poll(&done, 1, 5000) == 1);
  f.send("two");
  f.output->pump(f.now);
  CHECK(f.content() == stream({"one"}));
  CHECK(f.delivered() == 1);
  CHECK(f.output->wake_at() == f.now + 200us);
  f.send("three");
  f.pump();
  CHECK(f.content() == stream({"one", "two", "three"}));
}
