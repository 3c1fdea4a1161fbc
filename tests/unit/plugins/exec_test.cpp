// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>

#include "exec_fixture.h"

using kit::Exec;
using kit::Options;
using kit::Programs;

namespace {

const Options kNone{{"answers", "none"}};

// Delivers what it is given, and says so for each batch that it finds.
const char* const kDeliver =
    "say('standpipe 1')\n"
    "for m in frames(): say('delivered')\n";

std::vector<std::string> numbered(std::size_t count, std::size_t size = 0) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back("message " + std::to_string(i));
    out.back().resize(std::max(size, out.back().size()), '.');
  }
  return out;
}

std::string joined(const std::vector<std::string>& payloads) {
  std::string out;
  for (const auto& p : payloads) {
    for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(p.size() >> (8 * i) & 0xff);
    out += p;
  }
  return out;
}

std::string refusal(const Options& options) {
  const Exec exec(options);
  return exec.handler.created.fatal() ? exec.handler.created.reason : "(accepted)";
}

}  // namespace

// ---- answers: none

TEST_CASE("exec: a program without answers has read what counts as delivered") {
  const Programs in;
  Exec exec(in.options(in.sh("exec cat >out\n"), kNone));
  REQUIRE(exec.handler.open().ok());
  std::vector<std::string> all{"one", "", std::string("\0\n\xff", 3), std::string(3 << 20, 'x')};
  CHECK(exec.handler.handle(all).all(STANDPIPE_DELIVERED));
  const auto more = numbered(1000, 200);
  CHECK(exec.handler.handle(more).settled == 1000);
  all.insert(all.end(), more.begin(), more.end());
  exec.handler.close();
  CHECK(in.text("out") == joined(all));
}

TEST_CASE("exec: what a program without answers leaves unread is redelivered") {
  const Programs in;
  Exec exec(in.options(in.sh("head -c 20 >>out\nexit 3\n"), kNone));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"123456", "123456", "123456", "123456"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 2);  // it has read a part of the third
  CHECK(answer.reason == "the program ended (exit status 3); it left 2 messages unread");
}

TEST_CASE("exec: a program without answers that stops reading is killed after the timeout") {
  const Programs in;
  Exec exec(in.options(in.sh("head -c 14 >/dev/null\nexec sleep 1000\n"),
                       {{"answers", "none"}, {"timeout", "300ms"}}));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"1234567890", "two"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 1);
  CHECK(answer.reason == "the program read nothing for 300 ms");
}

TEST_CASE("exec: what a program without answers prints is logged") {
  const Programs in;
  Exec exec(in.options(in.sh("echo hello\nprintf 'no newline'\ncat >/dev/null\n"), kNone));
  REQUIRE(exec.handler.open().ok());
  CHECK(exec.handler.handle({"x"}).ok());
  exec.handler.close();
  CHECK(exec.host.reported == std::vector<std::string>{"info: hello", "info: no newline"});
}

// ---- answers: outcomes

TEST_CASE("exec: each outcome is that of its message, with its reason") {
  const Programs in;
  Exec exec(in.options(
      in.python("say('standpipe 1')\n"
                "for m in frames():\n"
                "    if m == b'last': say('delivered 2\\nfiltered\\nreject 2 it is no number\\n"
                "retry 1 later\\nretry\\ndelivered')\n")));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"a", "b", "c", "d", "e", "f", "g", "last"});
  REQUIRE(answer.ok());
  CHECK(answer.outcomes == std::vector<std::uint8_t>{STANDPIPE_DELIVERED, STANDPIPE_DELIVERED,
                                                     STANDPIPE_FILTERED, STANDPIPE_REJECT,
                                                     STANDPIPE_REJECT, STANDPIPE_RETRY,
                                                     STANDPIPE_RETRY, STANDPIPE_DELIVERED});
  CHECK(answer.reasons[3] == "it is no number");
  CHECK(answer.reasons[4] == "it is no number");
  CHECK(answer.reasons[5] == "later");
}

TEST_CASE("exec: a C program gets every message, of every size, in order") {
  const Programs in;
  Exec exec(in.options(in.c(R"(
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  FILE* copy = fopen("out", "w");
  unsigned char head[4];
  static unsigned char payload[20 << 20];
  puts("standpipe 1");
  fflush(stdout);
  while (copy && fread(head, 1, 4, stdin) == 4) {
    const size_t n = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
    if (fread(payload, 1, n, stdin) != n) return 1;
    fwrite(head, 1, 4, copy);
    fwrite(payload, 1, n, copy);
    puts("delivered");
    fflush(stdout);
  }
  return copy && fclose(copy) == 0 ? 0 : 1;
}
)")));
  REQUIRE(exec.handler.open().ok());
  std::vector<std::string> all;
  for (const auto& batch :
       {numbered(1024, 128), {"", "", ""}, {std::string(16 << 20, 'x')}, numbered(3, 300'000)}) {
    const auto answer = exec.handler.handle(batch);
    CHECK(answer.all(STANDPIPE_DELIVERED));
    CHECK(answer.settled == batch.size());
    all.insert(all.end(), batch.begin(), batch.end());
  }
  exec.handler.close();
  CHECK(in.text("out") == joined(all));
}

TEST_CASE("exec: metadata, sequence, time, source and attempt stand before each payload") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames(): open('out', 'ab').write(m); say('delivered')\n"),
                 {{"metadata", "true"}}));
  REQUIRE(exec.handler.open().ok());
  kit::Message message{"payload", 258, 772};
  message.meta = {{"key", "v"}, {"key", ""}};
  CHECK(exec.handler.handle_messages({message}, kit::Feed{"src", 3, {{"topic", "t"}}}).ok());
  const std::string head = std::string("\x02\x01\0\0\0\0\0\0", 8) +         // sequence
                           std::string("\x04\x03\0\0\0\0\0\0", 8) +         // time
                           std::string("\x03\0\0\0", 4) +                   // attempt
                           std::string("\x03\0\0\0src", 7) +                // source
                           std::string("\x05\0\0\0\x01\0\0\0topict", 14) +  // its metadata
                           std::string("\x03\0\0\0\x01\0\0\0keyv", 12) +    // the message's
                           std::string("\x03\0\0\0\0\0\0\0key", 11);
  CHECK(in.text("out") == std::string("\x40\0\0\0", 4) + head + "payload");
}

TEST_CASE("exec: what a program emits is of the next message without an outcome") {
  const Programs in;
  Exec exec(in.options(in.python("say('standpipe 1')\n"
                                 "for m in frames():\n"
                                 "    if m == b'large': say('emit 20000000', bytes(20000000))\n"
                                 "    else:\n"
                                 "        say('emit %d' % len(m), m.upper())\n"
                                 "        head = pairs((b'of', m))\n"
                                 "        say('emit 3 %d' % len(head), head + b'two')\n"
                                 "    say('retry' if m == b'again' else 'delivered')\n"),
                       {{"max_message_size", "32MiB"}}));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"one", "again", "large", ""});
  CHECK(answer.ok());
  REQUIRE(answer.emitted.size() == 4);  // nothing of what is retried or too large for the host
  CHECK(answer.emitted[0].payload == "ONE");
  CHECK(answer.emitted[0].of == 0);
  CHECK(answer.emitted[1].payload == "two");
  CHECK(answer.emitted[1].meta == standpipe::testing::Pairs{{"of", "one"}});
  CHECK(answer.emitted[3].of == 3);
  CHECK(answer.outcomes[2] == STANDPIPE_REJECT);
  CHECK_THAT(answer.reasons[2], Catch::StartsWith("what it makes is too large, or too much: 2000"));
}

TEST_CASE("exec: where there is no room for what it emits, it is not asked twice") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames():\n"
                           "    open('given', 'ab').write(m + b'\\n')\n"
                           "    say('emit 1', b'x')\n"
                           "    say('emit %d' % len(m), m)\n"
                           "    say('delivered')\n")));
  REQUIRE(exec.handler.open().ok());
  auto left = numbered(50);
  left[30] = std::string(2 << 20, 'y');
  const auto all = left;
  std::vector<std::string> emitted;
  std::uint64_t sequence = 1;
  std::size_t calls = 0;
  for (; !left.empty() && calls < 100; ++calls) {
    exec.host.emit_room = 9;
    std::vector<kit::Message> messages;
    for (std::size_t i = 0; i < left.size(); ++i) messages.push_back({left[i], sequence + i});
    if (calls % 3 == 1) messages.resize(std::min<std::size_t>(messages.size(), 3));
    const auto answer = exec.handler.handle_messages(messages);
    REQUIRE(answer.ok());
    for (const auto& made : answer.emitted) emitted.push_back(made.payload);
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(answer.settled));
    sequence += answer.settled;
  }
  CHECK(calls < 30);
  REQUIRE(emitted.size() == 100);
  std::string given;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(emitted[2 * i] == "x");
    CHECK((emitted[2 * i + 1] == all[i]));
    given += all[i] + "\n";
  }
  CHECK((in.text("given") == given));
}

TEST_CASE("exec: what it said of messages that another batch precedes concerns nobody") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames():\n"
                           "    say('emit %d' % len(m), m)\n"
                           "    say('reject 1 ' + m.decode())\n")));
  REQUIRE(exec.handler.open().ok());
  exec.host.emit_room = 1;
  CHECK(exec.handler.handle_messages({{"a", 1}, {"b", 2}, {"c", 3}}, "first").settled == 1);
  exec.host.emit_room = 100;
  const auto other = exec.handler.handle_messages({{"x", 1}, {"y", 2}}, "second");
  CHECK(other.all(STANDPIPE_REJECT));
  CHECK(other.reasons == std::vector<std::string>{"x", "y"});
  CHECK(other.emitted.size() == 2);
  const auto rest = exec.handler.handle_messages({{"b", 2}, {"c", 3}}, "first");
  CHECK(rest.reasons == std::vector<std::string>{"b", "c"});
  CHECK(rest.emitted.size() == 2);
}

TEST_CASE("exec: a program that writes much before it reads does not block") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "sys.stderr.write('x' * 300000 + '\\n')\n"
                           "for m in frames():\n"
                           "    for i in range(40): say('emit 100000', bytes(100000))\n"
                           "    say('delivered')\n")));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle(std::vector<std::string>(10, std::string(400'000, 'x')));
  CHECK(answer.all(STANDPIPE_DELIVERED));
  CHECK(answer.emitted.size() == 400);
}

TEST_CASE("exec: a program may say that its peer is away, or that only a person can help") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames(): say(m.decode())\n")));
  REQUIRE(exec.handler.open().ok());
  auto answer = exec.handler.handle({"delivered", "disconnected no database"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 1);
  CHECK(answer.reason == "no database");
  exec.handler.close();
  REQUIRE(exec.handler.open().ok());
  answer = exec.handler.handle({"fatal the licence has expired"});
  CHECK(answer.fatal());
  CHECK(answer.settled == 0);
  CHECK(answer.reason == "the licence has expired");
}

// ---- ends that nobody wanted

TEST_CASE("exec: a program that exits in mid batch is an outage: nothing of it is tried") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames():\n"
                           "    if m == b'c': sys.exit('the disk is full')\n"
                           "    say('delivered')\n")));
  REQUIRE(exec.handler.open().ok());
  auto answer = exec.handler.handle({"a", "b", "c", "d"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 2);
  CHECK(answer.reason ==
        "the program ended (exit status 1); it last said: the disk is full; 2 "
        "messages had no outcome");
  exec.handler.close();
  REQUIRE(exec.handler.open().ok());
  answer = exec.handler.handle_messages({{"c", 3}, {"d", 4}});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);  // alone by now, and still nobody's fault
}

TEST_CASE("exec: a program that crashes is given messages one by one until the culprit is known") {
  const Programs in;
  Exec exec(in.options(
      in.python("say('standpipe 1')\n"
                "got = 0\n"
                "for m in frames():\n"
                "    got += 1\n"
                "    if m == b'c': os.kill(os.getpid(), signal.SIGSEGV)\n"
                "    if m == b'e': say('delivered %d' % got); got = 0\n"
                "    elif m < b'c' and os.path.exists('seen'): say('delivered'); got = 0\n"
                "    open('seen', 'w')\n")));
  REQUIRE(exec.handler.open().ok());
  auto answer = exec.handler.handle_messages({{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}});
  CHECK(answer.disconnected());
  CHECK_THAT(answer.reason, Catch::StartsWith("the program ended (SIGSEGV)"));
  const auto first = answer.settled;
  CHECK(first <= 2);
  exec.handler.close();
  REQUIRE(exec.handler.open().ok());
  std::vector<kit::Message> rest{{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}};
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(first));
  answer = exec.handler.handle_messages(rest);
  CHECK(answer.disconnected());
  REQUIRE(answer.settled + first == 3);
  CHECK(answer.outcomes.back() == STANDPIPE_RETRY);
  CHECK(answer.reasons[answer.settled - 1] == "the program ended (SIGSEGV)");
}

TEST_CASE("exec: a program that hangs is killed, and the message that it hangs on is tried") {
  const Programs in;
  Exec exec(in.options(in.python("say('standpipe 1')\n"
                                 "for m in frames():\n"
                                 "    if m == b'hang': time.sleep(1000)\n"
                                 "    say('delivered')\n"),
                       {{"timeout", "500ms"}}));
  REQUIRE(exec.handler.open().ok());
  auto answer = exec.handler.handle_messages({{"a", 1}, {"hang", 2}, {"c", 3}});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 1);
  CHECK(answer.reason == "the program gave no answer for 500 ms; 2 messages had no outcome");
  exec.handler.close();
  REQUIRE(exec.handler.open().ok());
  answer = exec.handler.handle_messages({{"hang", 2}, {"c", 3}});
  CHECK(answer.disconnected());
  REQUIRE(answer.settled == 1);
  CHECK(answer.outcomes[0] == STANDPIPE_RETRY);
  CHECK(answer.reasons[0] == "the program gave no answer for 500 ms");
  exec.handler.close();
  REQUIRE(exec.handler.open().ok());
  CHECK(exec.handler.handle_messages({{"c", 3}, {"d", 4}, {"e", 5}}).all(STANDPIPE_DELIVERED));
}

TEST_CASE("exec: garbage among answers ends the program, and is shown") {
  const Programs in;
  Exec exec(
      in.options(in.python("say('standpipe 1')\n"
                           "for m in frames():\n"
                           "    print('got', m, '\\033[2J', flush=True)\n")));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"x"});
  CHECK(answer.disconnected());
  REQUIRE(answer.settled == 1);
  CHECK(answer.outcomes[0] == STANDPIPE_RETRY);
  CHECK(answer.reasons[0] ==
        "it printed 'got b'x' \x1b[2J\n' where a record belongs (see PROTOCOL.md); what is not "
        "for the hub goes to standard error");
}

TEST_CASE("exec: answers that nobody asked for are garbage") {
  const Programs in;
  const std::string said =
      GENERATE("delivered 2", "delivered 0", "delivered x", "emit -1", "emit 99999999999",
               "resume 0", "standpipe 1", "emit 0 99999999", "deliver", "delivered 1 because");
  Exec exec(in.options(in.sh("echo standpipe 1; head -c 5 >/dev/null; echo \"$1\"; cat\n"),
                       {{"args", "[" + said + "]"}}));
  REQUIRE(exec.handler.open().ok());
  const auto answer = exec.handler.handle({"x"});
  CHECK(answer.disconnected());
  CHECK(answer.outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY});
}

TEST_CASE("exec: random answers end the program, and nothing else") {
  const Programs in;
  for (int i = 0; i < 20; ++i) {
    Exec exec(in.options(in.sh("echo standpipe 1; head -c 5 >/dev/null; head -c 300000 "
                               "/dev/urandom; cat >/dev/null\n"),
                         {{"stop_timeout", "0s"}}));
    REQUIRE(exec.handler.open().ok());
    CHECK(exec.handler.handle({"x"}).disconnected());
  }
}

TEST_CASE("exec: a program that speaks something else is held before it has a message") {
  const Programs in;
  Exec exec(in.options(in.sh("echo Hello, world\nexec cat\n")));
  const auto answer = exec.handler.open();
  CHECK(answer.fatal());
  CHECK(answer.reason ==
        "it printed 'Hello, world\n' where a record belongs (see PROTOCOL.md); what is not for "
        "the hub goes to standard error");
}

TEST_CASE("exec: a program that does not greet is not waited for longer than the timeout") {
  const Programs in;
  Exec exec(in.options(in.sh("printf hello\nexec sleep 1000\n"), {{"start_timeout", "200ms"}}));
  const auto answer = exec.handler.open();
  CHECK(answer.disconnected());
  CHECK(answer.reason ==
        "the program did not greet within 200 ms: with answers: outcomes it prints `standpipe 1` "
        "first (see PROTOCOL.md); it printed 'hello'");
}

TEST_CASE("exec: a program that exits at once is an outage, with its last words") {
  const Programs in;
  Exec exec(in.options(in.sh("echo no such module >&2\nexit 7\n")));
  const auto answer = exec.handler.open();
  CHECK(answer.disconnected());
  CHECK(answer.reason ==
        "the program ended (exit status 7); it last said: no such module; it did not greet "
        "(`standpipe 1`, see PROTOCOL.md)");
}

TEST_CASE("exec: the end of a program is seen though no message comes") {
  const Programs in;
  Exec exec(in.options(in.sh("exit 0\n"), kNone));
  REQUIRE(exec.handler.open().ok());
  const auto ended = [&] { return exec.handler.advance(std::chrono::seconds(2)).disconnected(); };
  CHECK(test::eventually(ended));
  const auto answer = exec.handler.handle({"x"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
  CHECK(answer.reason == "the program ended (exit status 0); it left 1 message unread");
}

TEST_CASE("exec: a program that closes its input and lives is killed") {
  const Programs in;
  Exec exec(in.options(in.python("say('standpipe 1')\nos.close(0)\ntime.sleep(1000)\n"),
                       {{"timeout", "300ms"}}));
  REQUIRE(exec.handler.open().ok());
  CHECK(test::eventually([&] { return exec.handler.handle({"x"}).disconnected(); }));
}

// ---- how it starts and ends

TEST_CASE("exec: what cannot be executed holds the handler, with the reason") {
  const Programs in;
  const auto opened = [&](const std::string& program, const std::string& folder = "") {
    auto options = in.options(program, kNone);
    if (!folder.empty()) options["cwd"] = folder;
    Exec exec(options);
    const auto answer = exec.handler.open();
    return answer.fatal() ? answer.reason : "(not fatal) " + answer.reason;
  };
  CHECK(opened("no-such-program") == "cannot execute no-such-program: no folder of PATH has it");
  CHECK(opened("./nothing") ==
        "cannot execute ./nothing: No such file or directory (or the interpreter that it names "
        "after #! is missing)");
  in.script("plain", "echo hello\n");
  CHECK(opened("./plain") ==
        "cannot execute ./plain: Exec format error (a script begins with #! "
        "and its interpreter)");
  CHECK(opened(in / ".") == "cannot execute " + (in / ".") +
                                ": Permission denied (is it a file with chmod +x, in folders that "
                                "the hub may enter?)");
  CHECK(opened("cat", "/no/such/folder") ==
        "cwd: cannot enter /no/such/folder: No such file or directory");
}

TEST_CASE("exec: options that cannot be meant are refused") {
  CHECK(refusal({{"command", "[]"}}) == "command: name a program, as in [python3, -u, handler.py]");
  CHECK(refusal({{"command", "[echo, a]"}, {"shell", "true"}}) ==
        "command: with shell: true it is one string; write arguments into args, where the command "
        "finds them as $1, $2 ...");
  CHECK(refusal({{"command", "[echo]"}, {"env", "{A=B: c}"}}) ==
        "env: 'A=B' is no name of a variable");
}

TEST_CASE("exec: no shell looks at the words, unless it is asked to") {
  const Programs in;
  in.sh("printf '%s|' \"$@\" >args\n");
  auto options = in.options("./program.sh, $HOME, a b, *", kNone);
  options["args"] = "[;, --x]";
  Exec plain(options);
  REQUIRE(plain.handler.open().ok());
  CHECK(test::eventually([&] { return in.text("args") == "$HOME|a b|*|;|--x|"; }));

  options = in.options("printf '%s+' \"$GREETING\" \"$@\" >words; cat >/dev/null", kNone);
  options["shell"] = "true";
  options["args"] = "[one, $two]";
  options["env"] = "{GREETING: hello world}";
  Exec shell(options);
  REQUIRE(shell.handler.open().ok());
  CHECK(test::eventually([&] { return in.text("words") == "hello world+one+$two+"; }));
}

TEST_CASE("exec: a program has its streams, usual signals, its name, and nothing else") {
  const Programs in;
  std::signal(SIGPIPE, SIG_IGN);
  const int leaked = ::dup(1);  // not close-on-exec
  Exec exec(in.options(in.sh("ls /proc/self/fd | wc -w >fds\n"
                             "grep -E 'Sig(Blk|Ign)' /proc/self/status >signals\n"
                             "env | grep STANDPIPE_EXEC | sort >env\n"
                             "ps -o pgid= $$ >group; echo $$ >pid; touch done; cat\n"),
                       kNone));
  REQUIRE(exec.handler.open().ok());
  CHECK(test::eventually([&] { return ::access((in / "done").c_str(), F_OK) == 0; }));
  ::close(leaked);
  CHECK(in.text("fds") == "4\n");  // with the folder that ls reads
  CHECK(in.text("signals") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK(in.text("env") ==
        "STANDPIPE_EXEC=1\nSTANDPIPE_EXEC_ANSWERS=none\nSTANDPIPE_EXEC_KIND=handler\n"
        "STANDPIPE_EXEC_METADATA=0\nSTANDPIPE_EXEC_NAME=it\n");
  CHECK(std::stoi(in.text("group")) == std::stoi(in.text("pid")));
}

TEST_CASE("exec: close lets the program finish; what does not end is ended") {
  const Programs in;
  const auto pid = [&] { return std::stoi("0" + in.text("pid")); };
  const auto start = [&](Exec& exec) {
    std::filesystem::remove(in / "pid");
    REQUIRE(exec.handler.open().ok());
    REQUIRE(test::eventually([&] { return in.text("pid").ends_with("\n"); }));
  };
  SECTION("it has time to finish") {
    Exec exec(
        in.options(in.sh("echo $$ >pid; cat >/dev/null; sleep 0.3; echo finished >end\n"), kNone));
    start(exec);
    exec.handler.close();
    CHECK(in.text("end") == "finished\n");
    CHECK(exec.host.reported.empty());
  }
  SECTION("SIGTERM goes to its group") {
    Exec exec(
        in.options(in.sh("sleep 1000 & echo $! >pid; trap 'echo term >end; exit' TERM; wait\n"),
                   {{"answers", "none"}, {"stop_timeout", "100ms"}}));
    start(exec);
    exec.handler.close();
    CHECK(in.text("end") == "term\n");
    CHECK(test::eventually([&] { return !kit::runs(pid()); }));
  }
  SECTION("SIGKILL is last") {
    Exec exec(in.options(in.sh("trap '' TERM; echo $$ >pid; while :; do sleep 1000; done\n"),
                         {{"answers", "none"}, {"stop_timeout", "0s"}}));
    start(exec);
    exec.handler.close();
    CHECK(!kit::runs(pid()));
    CHECK(exec.has_reported("the program does not end: SIGKILL"));
  }
}

TEST_CASE("exec: what a program leaves behind ends with it") {
  const Programs in;
  Exec exec(in.options(in.sh("sleep 1000 & echo $! >pid; exit 1\n"), kNone));
  REQUIRE(exec.handler.open().ok());
  REQUIRE(test::eventually([&] { return exec.handler.handle({"x"}).disconnected(); }));
  CHECK(test::eventually([&] { return !kit::runs(std::stoi(in.text("pid"))); }));
}

TEST_CASE("exec: starting again and again leaks nothing") {
  const Programs in;
  Exec exec(in.options(in.sh("echo 'standpipe 1'; exit 0\n")));
  (void)exec.handler.open();
  exec.handler.close();
  const auto before = kit::open_descriptors();
  for (int i = 0; i < 20; ++i) {
    (void)exec.handler.open();
    (void)exec.handler.handle({"x"});
    exec.handler.close();
  }
  CHECK(kit::open_descriptors() == before);
}

TEST_CASE("exec: a flood of what it says costs a few lines") {
  const Programs in;
  Exec exec(in.options(
      in.python("sys.stderr.buffer.write(b'bad \\xff\\x1b[2J\\n' + b'y' * 5000 + b'\\n')\n"
                "for i in range(100000): sys.stderr.write('line %d\\n' % i)\n"
                "sys.stderr.flush()\n"),
      kNone));
  REQUIRE(exec.handler.open().ok());
  CHECK(test::eventually([&] { return exec.handler.handle({"x"}).disconnected(); }));
  exec.handler.close();
  CHECK(exec.host.reported.size() < 400);
  REQUIRE(exec.host.reported.size() > 3);
  CHECK(exec.host.reported[0] == "info: bad \\xff\x1b[2J");
  CHECK(exec.host.reported[1] == "info: " + std::string(1000, 'y') + "... (5000 bytes)");
  CHECK(exec.has_reported(" lines were left out"));
}

TEST_CASE("exec: deliveries go on while the program speaks of what it does") {
  const Programs in;
  Exec exec(in.options(in.python(kDeliver)));
  REQUIRE(exec.handler.open().ok());
  for (int i = 0; i < 5; ++i) CHECK(exec.handler.handle(numbered(1000)).all(STANDPIPE_DELIVERED));
}
