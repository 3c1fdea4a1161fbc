// SPDX-License-Identifier: Apache-2.0
#include <sys/eventfd.h>

#include <catch2/catch.hpp>

#include "exec_fixture.h"

using kit::Options;
using kit::Programs;
using standpipe::testing::Credit;
using standpipe::testing::Polled;
using standpipe::testing::Put;

namespace {

constexpr std::chrono::seconds kLong{20};

struct ExecSource {
  explicit ExecSource(const Options& options) : source(kit::load("exec"), host, options) {}
  // Polls until there are so many messages, or it fails.
  std::vector<Put> take(std::size_t count, std::uint32_t credit = 100) {
    std::vector<Put> all;
    while (all.size() < count) {
      last = source.poll({.messages = credit, .wait = kLong});
      all.insert(all.end(), last.messages.begin(), last.messages.end());
      if (!last.ok() || last.messages.empty()) break;
    }
    return all;
  }
  Polled until_it_fails() {
    do last = source.poll({.wait = kLong});
    while (last.ok());
    return last;
  }
  standpipe::testing::Host host;
  standpipe::testing::Source source;
  Polled last;
};

std::vector<std::string> payloads(const std::vector<Put>& messages) {
  std::vector<std::string> out;
  for (const auto& m : messages) out.push_back(m.payload);
  return out;
}

}  // namespace

TEST_CASE("exec: a source of frames alone brings each of them, whatever its size") {
  const Programs in;
  ExecSource exec(
      in.options(in.python("def frame(p): say_raw(struct.pack('<I', len(p)) + p)\n"
                           "def say_raw(b): sys.stdout.buffer.write(b)\n"
                           "frame(b'one'); frame(b''); frame(bytes(3 << 20))\n"
                           "for i in range(1000): frame(b'%d' % i)\n"
                           "sys.stdout.flush(); time.sleep(1000)\n")));
  REQUIRE(exec.source.open().ok());
  const auto got = exec.take(1003);
  REQUIRE(got.size() == 1003);
  CHECK(got[0].payload == "one");
  CHECK(got[1].payload.empty());
  CHECK((got[2].payload == std::string(3 << 20, '\0')));
  CHECK(got[1002].payload == "999");
  const auto none = exec.source.poll({.wait = std::chrono::milliseconds(50)});
  CHECK((none.ok() && none.messages.empty()));
}

TEST_CASE("exec: records bring metadata, and say where to go on") {
  const Programs in;
  ExecSource exec(in.options(
      in.python("say('standpipe 1')\n"
                "line = sys.stdin.buffer.readline()\n"
                "at = int(sys.stdin.buffer.read(int(line.split()[1])) or 0)\n"
                "while True:\n"
                "    at += 1\n"
                "    head = pairs((b'at', b'%d' % at))\n"
                "    text = b'message %d' % at\n"
                "    to = b'%d' % at\n"
                "    say('emit %d %d %d' % (len(text), len(head), len(to)), head + to + text)\n"),
      {{"stop_timeout", "100ms"}}));
  REQUIRE(exec.source.open().ok());
  auto got = exec.take(10, 5);
  const auto count = got.size();
  REQUIRE(count >= 10);
  CHECK(got[9].payload == "message 10");
  CHECK(got[9].meta == standpipe::testing::Pairs{{"at", "10"}});
  exec.source.close();
  const auto at = std::stoul(exec.host.resume);
  CHECK(at == count);
  REQUIRE(exec.source.open().ok());
  got = exec.take(1, 1);
  REQUIRE(got.size() == 1);
  CHECK(got[0].payload == "message " + std::to_string(at + 1));
}

TEST_CASE("exec: a place to go on is kept with its message, wherever a poll ends") {
  const Programs in;
  ExecSource exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for i in range(1, 5): say('emit 1 0 1', b'%d%d' % (i, i))\n"
                           "say('resume 1', b'x')\n"
                           "say('emit 1', b'!')\n"
                           "sys.stdin.buffer.read()\n")));
  REQUIRE(exec.source.open().ok());
  for (const std::string place : {"1", "2", "3", "4"}) {
    const auto got = exec.take(1, 1);
    REQUIRE(got.size() == 1);
    CHECK(got[0].payload == place);
    CHECK(exec.host.resume == place);
  }
  CHECK(exec.take(1, 1)[0].payload == "!");
  CHECK(exec.host.resume == "x");
}

TEST_CASE("exec: a source that wants to know is told what is safe, by its own count") {
  const Programs in;
  ExecSource exec(
      in.options(in.python("say('standpipe 1 committed')\n"
                           "for i in range(6): say('emit 1', b'%d' % i)\n"
                           "while True:\n"
                           "    line = sys.stdin.buffer.readline()\n"
                           "    if not line: break\n"
                           "    open('told', 'ab').write(line)\n"
                           "open('told', 'ab').write(b'end')\n")));
  REQUIRE(exec.source.open().ok());
  const auto got = exec.take(6);
  REQUIRE(got.size() == 6);
  exec.source.committed(got[0].sequence);
  CHECK(test::eventually([&] { return in.text("told") == "resume 0\ncommitted 1\n"; }));
  exec.source.committed(got[4].sequence);
  CHECK(test::eventually([&] { return in.text("told").ends_with("committed 5\n"); }));
  exec.source.committed(got[5].sequence + 10);
  CHECK(test::eventually([&] { return in.text("told").ends_with("committed 6\n"); }));
  exec.source.close();
  CHECK(in.text("told").ends_with("\nend"));
}

TEST_CASE("exec: a source that does not read what is safe does not stop the hub") {
  const Programs in;
  ExecSource exec(in.options(in.python("say('standpipe 1 committed')\n"
                                       "for i in range(200000): say('emit 1', b'x')\n"
                                       "time.sleep(1000)\n"),
                             {{"stop_timeout", "0s"}}));
  REQUIRE(exec.source.open().ok());
  std::size_t count = 0;
  for (std::size_t n = 1; n > 0 && count < 200'000; count += n) {
    const auto got = exec.take(1, 1000);
    n = got.size();
    for (const auto& m : got) exec.source.committed(m.sequence);
  }
  CHECK(count == 200'000);
}

TEST_CASE("exec: a source without credit waits, and loses nothing") {
  const Programs in;
  ExecSource exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for i in range(50): say('emit 100000', b'%05d' % i + "
                           "bytes(99995))\n")));
  REQUIRE(exec.source.open().ok());
  std::vector<Put> got;
  while (got.size() < 50) {
    const auto polled = exec.source.poll({.messages = 7, .bytes = 250'000, .wait = kLong});
    REQUIRE(polled.ok());
    CHECK(polled.messages.size() <= 3);
    got.insert(got.end(), polled.messages.begin(), polled.messages.end());
  }
  CHECK(got[49].payload.starts_with("00049"));
}

TEST_CASE("exec: a source that has ended well is done; one that failed is started again") {
  const Programs in;
  const auto script = in.sh("printf '\\003\\000\\000\\000one'; exit $1\n");
  SECTION("well") {
    ExecSource exec(in.options(script, {{"args", "[0]"}}));
    REQUIRE(exec.source.open().ok());
    CHECK(payloads(exec.take(1)) == std::vector<std::string>{"one"});
    for (int i = 0; i < 3; ++i) {
      const auto none = exec.source.poll({.wait = std::chrono::milliseconds(50)});
      CHECK((none.ok() && none.messages.empty()));
    }
    CHECK(exec.host.reported ==
          std::vector<std::string>{"info: the program ended (exit status 0): it is not started "
                                   "again before the hub is (restart: always does)"});
  }
  SECTION("well, and always again") {
    ExecSource exec(in.options(script, {{"args", "[0]"}, {"restart", "always"}}));
    REQUIRE(exec.source.open().ok());
    CHECK(exec.until_it_fails().reason == "the program ended (exit status 0)");
  }
  SECTION("badly") {
    ExecSource exec(in.options(script, {{"args", "[4]"}}));
    REQUIRE(exec.source.open().ok());
    const auto end = exec.until_it_fails();
    CHECK(end.disconnected());
    CHECK(end.reason == "the program ended (exit status 4)");
    CHECK(exec.host.accepted.size() == 1);
  }
}

TEST_CASE("exec: a source that ends in the middle of a message brings no part of it") {
  const Programs in;
  ExecSource exec(in.options(in.sh("printf '\\003\\000\\000\\000one\\005\\000\\000\\000tw'\n")));
  REQUIRE(exec.source.open().ok());
  const auto end = exec.until_it_fails();
  CHECK(end.disconnected());
  CHECK(end.reason == "the program ended (exit status 0); its last 6 bytes are no whole frame");
  CHECK(payloads(exec.host.accepted) == std::vector<std::string>{"one"});
}

TEST_CASE("exec: a source that prints text is held, and its text shown") {
  const Programs in;
  ExecSource exec(in.options(in.sh("echo 'Hello, world'; sleep 1000\n")));
  REQUIRE(exec.source.open().ok());
  const auto end = exec.until_it_fails();
  CHECK(end.fatal());
  CHECK(end.reason ==
        "it printed 'Hello, world\n' where a frame of at most max_message_size, or the greeting "
        "`standpipe 1` belongs (see PROTOCOL.md); what is not for the hub goes to standard error");
}

TEST_CASE("exec: nonsense among a source's records holds it") {
  const Programs in;
  const std::string said = GENERATE("hello", "delivered", "standpipe 1", "resume 16385",
                                    "emit 0 0 16385", "emit 16777217", "emit");
  ExecSource exec(in.options(in.sh("echo standpipe 1; echo \"$1\"; sleep 1000\n"),
                             {{"args", "[" + said + "]"}}));
  REQUIRE(exec.source.open().ok());
  CHECK(exec.until_it_fails().fatal());
}

TEST_CASE("exec: a source may say that its peer is away; what it brought before that is in") {
  const Programs in;
  ExecSource exec(
      in.options(in.sh("printf 'standpipe 1\\nemit 1\\nxdisconnected no route\\n'; sleep 1000\n"),
                 {{"stop_timeout", "100ms"}}));
  REQUIRE(exec.source.open().ok());
  const auto end = exec.until_it_fails();
  CHECK(end.disconnected());
  CHECK(end.reason == "no route");
  CHECK(exec.host.accepted.size() == 1);
}

TEST_CASE("exec: a message that is above the hub's limit is left out, and reported") {
  const Programs in;
  ExecSource exec(
      in.options(in.sh("printf 'standpipe 1 committed\\nemit 1\\naemit 5\\nlargeemit "
                       "1\\nb'; cat >told\n")));
  exec.host.emit_bytes_max = 4;
  REQUIRE(exec.source.open().ok());
  const auto got = exec.take(2);
  CHECK(payloads(got) == std::vector<std::string>{"a", "b"});
  REQUIRE(exec.host.reported.size() == 1);
  CHECK_THAT(
      exec.host.reported[0],
      Catch::StartsWith("error: left out: what it makes is too large, or too much: 5 bytes"));
  exec.source.committed(got.at(0).sequence);
  CHECK(test::eventually([&] { return in.text("told") == "resume 0\ncommitted 2\n"; }));
}

TEST_CASE("exec: the host wakes a source that waits") {
  const Programs in;
  ExecSource exec(in.options(in.sh("sleep 1000\n")));
  REQUIRE(exec.source.open().ok());
  const int wake = ::eventfd(1, 0);
  const auto began = std::chrono::steady_clock::now();
  CHECK(exec.source.poll({.wait = kLong, .wake_fd = wake}).ok());
  CHECK(std::chrono::steady_clock::now() - began < kLong / 2);
  ::close(wake);
  exec.source.close();  // and it is not waited for, as it need not read its input
  CHECK(std::chrono::steady_clock::now() - began < kLong / 2);
  CHECK(exec.host.reported.empty());
}
