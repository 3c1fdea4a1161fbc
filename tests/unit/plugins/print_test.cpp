// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "files.h"
#include "kit.h"

namespace {

// The process's standard output is `fd` for as long as this lives.
class Redirected {
 public:
  explicit Redirected(int fd, int stream = STDOUT_FILENO) : stream_(stream), saved_(::dup(stream)) {
    std::fflush(nullptr);
    if (fd >= 0)
      ::dup2(fd, stream);
    else
      ::close(stream);
  }
  ~Redirected() {
    ::dup2(saved_, stream_);
    ::close(saved_);
  }

 private:
  int stream_;
  int saved_;
};

struct Shown {
  kit::Answer answer;
  std::string text;
};

// What `print` with these options shows of the messages, into a file.
Shown shown(const kit::Options& options, std::vector<kit::Message> messages,
            int stream = STDOUT_FILENO) {
  const kit::Folder folder;
  const int fd = ::open((folder / "out").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  kit::Host host;
  kit::Handler print(kit::load("print"), host, options);
  kit::Answer answer;
  {
    const Redirected to_file(fd, stream);
    if (print.open().ok()) answer = print.handle_messages(std::move(messages));
  }
  ::close(fd);
  return {answer, kit::read_file(folder / "out")};
}

std::string shown_text(const kit::Options& options, const std::vector<std::string>& payloads) {
  std::vector<kit::Message> messages;
  for (const auto& p : payloads) messages.push_back({p});
  const auto result = shown(options, messages);
  CHECK(result.answer.all(STANDPIPE_DELIVERED));
  CHECK(result.answer.settled == payloads.size());
  return result.text;
}

// The same, on a terminal.
std::string on_terminal(const kit::Options& options, const std::vector<std::string>& payloads) {
  int master = -1;
  int slave = -1;
  termios raw{};
  ::cfmakeraw(&raw);
  REQUIRE(::openpty(&master, &slave, nullptr, &raw, nullptr) == 0);
  kit::Host host;
  kit::Handler print(kit::load("print"), host, options);
  {
    const Redirected to_terminal(slave);
    if (print.open().ok()) print.handle(payloads);
  }
  std::string text(4096, '\0');
  const auto n = ::read(master, text.data(), text.size());
  ::close(slave);
  ::close(master);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

std::string refusal(const kit::Options& options) {
  kit::Host host;
  const kit::Handler print(kit::load("print"), host, options);
  return print.created.fatal() ? print.created.reason : "(accepted)";
}

}  // namespace

TEST_CASE("text is the payload and a newline, its bytes as they are") {
  CHECK(shown_text({}, {"hello", "", "two\nlines"}) == "hello\n\ntwo\nlines\n");
  CHECK(shown_text({}, {std::string("\0\xff\x1b[2J", 6)}) == std::string("\0\xff\x1b[2J\n", 7));
}

TEST_CASE("raw is the payloads and nothing between") {
  CHECK(shown_text({{"format", "raw"}}, {"ab", "", "c\n", "d"}) == "abc\nd");
}

TEST_CASE("on a terminal a message cannot rewrite the screen") {
  const std::string nasty("a\\b\n\t\r\x1b[2J\0\xff\xc2\x9b\xe2\x80\xae gr\xc3\xbc\xc3\x9f", 24);
  const std::string safe =
      "a\\\\b\\n\\t\\r\\x1b[2J\\x00\\xff\\xc2\\x9b\\xe2\\x80\\xae gr\xc3\xbc\xc3\x9f\n";
  CHECK(on_terminal({}, {nasty}) == safe);
  CHECK(on_terminal({{"format", "raw"}}, {nasty}) == safe);
  CHECK(on_terminal({{"template", "> {payload}"}}, {"\x1b"}) == "> \\x1b\n");
}

TEST_CASE("json on a terminal is escaped as well, and the same everywhere") {
  const std::string line =
      R"({"source":"orders","sequence":1,"time":"2024-05-01T12:00:00.250Z","size":6,"text":"\u001b[\u009b\u007f\""})"
      "\n";
  CHECK(on_terminal({{"format", "json"}}, {"\x1b[\xc2\x9b\x7f\""}) == line);
  CHECK(shown_text({{"format", "json"}}, {"\x1b[\xc2\x9b\x7f\""}) == line);
}

TEST_CASE("json keeps every byte: text when it is UTF-8, base64 when not") {
  const std::string start = R"({"source":"orders","sequence":)";
  const std::string time = R"(,"time":"2024-05-01T12:00:00.250Z","size":)";
  CHECK(shown_text({{"format", "json"}},
                   {"a\n\"\\\t", "", std::string("\0x", 2), "\xff", "\xff\xfe", "\xff\xfe\xfd"}) ==
        start + "1" + time + R"(5,"text":"a\n\"\\\t"})" + "\n" +    //
            start + "2" + time + R"(0,"text":""})" + "\n" +         //
            start + "3" + time + R"(2,"text":"\u0000x"})" + "\n" +  //
            start + "4" + time + R"(1,"base64":"/w=="})" + "\n" +   //
            start + "5" + time + R"(2,"base64":"//4="})" + "\n" +   //
            start + "6" + time + R"(3,"base64":"//79"})" + "\n");
}

TEST_CASE("hex is a heading and sixteen bytes a line") {
  CHECK(shown_text({{"format", "hex"}}, {"0123456789abcdef\n\xff", "", "x"}) ==
        "orders 1 2024-05-01T12:00:00.250Z 18 bytes\n"
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "00000010  0a ff                                             |..|\n"
        "orders 2 2024-05-01T12:00:00.250Z 0 bytes\n"
        "orders 3 2024-05-01T12:00:00.250Z 1 byte\n"
        "00000000  78                                                |x|\n");
}

TEST_CASE("a template shapes the line") {
  CHECK(
      shown_text({{"template", "{{{source}}} #{sequence} {time} {size}: {payload}"}}, {"hi", ""}) ==
      "{orders} #1 2024-05-01T12:00:00.250Z 2: hi\n{orders} #2 2024-05-01T12:00:00.250Z 0: \n");
  CHECK(shown_text({{"template", "{payload}\n"}}, {"one newline"}) == "one newline\n");
  CHECK(shown_text({{"template", "{payload};"}, {"format", "hex"}}, {"hello", ""}) ==
        "68 65 6c 6c 6f;\n;\n");
}

TEST_CASE("a template shows what JSON and metadata have, or a default") {
  const auto text = [](const std::string& line, kit::Message message) {
    return shown({{"template", line}}, {std::move(message)}).text;
  };
  const std::string json = R"({"device":{"id":"pump \u00e9"},"t":[1,2.50],"on":true,"gone":null})";
  CHECK(text("{json:/device/id} {json:/t/1} {json:/on}", {json}) == "pump \u00e9 2.5 true\n");
  CHECK(text("{json:/device} {json:/t}", {json}) == "{\"id\":\"pump \u00e9\"} [1,2.5]\n");
  CHECK(text("<{json:/no|none}> <{json:/gone|none}> <{json:/no}>", {json}) == "<none> <none> <>\n");
  CHECK(text("{json:/device|no JSON}", {"{\"device\":\"x\""}) == "no JSON\n");
  kit::Message with_meta{"x"};
  with_meta.meta = {{"topic", "first"}, {"topic", "second"}};
  CHECK(text("{meta:topic|none} {meta:key|none}", with_meta) == "second none\n");
  CHECK(on_terminal({{"template", "{json:/x}"}}, {R"({"x":"\u001b[2J"})"}) == "\\x1b[2J\n");
}

TEST_CASE("a template that cannot be meant is refused with the remedy") {
  CHECK(refusal({{"template", "{sorce}"}}) ==
        "template: unknown placeholder {sorce} (known: {source}, {sequence}, {time}, {size}, "
        "{payload}, {json:/POINTER}, {meta:NAME})");
  CHECK(refusal({{"template", "a {payload"}}) ==
        "template: a '{' is not closed; write {{ for a literal one");
  CHECK(refusal({{"template", "a } b"}}) ==
        "template: a '}' has no '{' before it; write }} for a literal one");
  CHECK(refusal({{"template", "{payload}"}, {"format", "json"}}) ==
        "template: only formats text and hex have one, not json");
  CHECK(refusal({{"template", "{payload}"}, {"format", "raw"}}) ==
        "template: only formats text and hex have one, not raw");
}

TEST_CASE("times are UTC to the millisecond, before and after 1970") {
  const auto time_of = [](std::int64_t ns) {
    return shown({{"template", "{time}"}}, {{"x", 1, static_cast<std::uint64_t>(ns)}}).text;
  };
  CHECK(time_of(0) == "1970-01-01T00:00:00.000Z\n");
  CHECK(time_of(951782399'999'999'999) == "2000-02-28T23:59:59.999Z\n");
  CHECK(time_of(-1) == "1969-12-31T23:59:59.999Z\n");
}

TEST_CASE("stderr is where it was asked for") {
  const auto result = shown({{"stream", "stderr"}}, {{"to the error stream"}}, STDERR_FILENO);
  CHECK(result.text == "to the error stream\n");
}

TEST_CASE("a 16 MiB message passes in every format", "[exhaustive]") {
  const std::string large(16 << 20, '\xfe');
  CHECK(shown_text({}, {"a", large, "b"}) == "a\n" + large + "\nb\n");
  CHECK(shown_text({{"format", "raw"}}, {large}) == large);
  CHECK(shown_text({{"template", "{payload}"}, {"format", "hex"}}, {large}).size() ==
        3 * large.size());
  const auto json = shown_text({{"format", "json"}}, {large});
  CHECK(json.size() > large.size() * 4 / 3);
  CHECK(json.ends_with("/v7+/v7+/v7+/g==\"}\n"));
}

TEST_CASE("a full disk is waited out, and nothing counts as delivered") {
  const int full = ::open("/dev/full", O_WRONLY);
  kit::Host host;
  kit::Handler print(kit::load("print"), host);
  kit::Answer answer;
  {
    const Redirected to_full(full);
    REQUIRE(print.open().ok());
    answer = print.handle({"a", "b"});
  }
  ::close(full);
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
  CHECK(answer.reason == "cannot write to standard output: No space left on device");
}

TEST_CASE("a closed stream holds the handler") {
  kit::Host host;
  kit::Handler print(kit::load("print"), host);
  kit::Status opened;
  {
    const Redirected closed(-1);
    opened = print.open();
  }
  CHECK(opened.fatal());
  CHECK(opened.reason ==
        "standard output is closed: start the hub with one, or remove this handler");
}

TEST_CASE("when the reader leaves in the middle, what is out is settled and the rest is not") {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  std::thread reader([&] {  // leaves once the pipe is full: 4096 bytes are out, that is 40 messages
                            // and a part of the next
    for (int waiting = 0; waiting < 4096; ::usleep(1000)) ::ioctl(ends[0], FIONREAD, &waiting);
    ::close(ends[0]);
  });
  kit::Host host;
  kit::Handler print(kit::load("print"), host);
  kit::Answer answer;
  {
    const Redirected to_pipe(ends[1]);
    REQUIRE(print.open().ok());
    answer = print.handle(std::vector<std::string>(100, std::string(100, 'x')));
  }
  reader.join();
  ::close(ends[1]);
  CHECK(answer.fatal());
  CHECK(answer.settled == 4096 / 101);
  CHECK(answer.reason == "nobody reads standard output any more: Broken pipe");
}

TEST_CASE("a slow reader after a non-blocking pipe gets every byte") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  std::string got;
  std::thread reader([&] {
    std::string piece(3000, '\0');
    for (ssize_t n = 1; n != 0; ::usleep(10)) {
      n = ::read(ends[0], piece.data(), piece.size());
      if (n > 0) got.append(piece, 0, static_cast<std::size_t>(n));
    }
  });
  std::vector<std::string> payloads;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    payloads.push_back(
        std::string(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26)));
    expected += payloads.back() + "\n";
  }
  kit::Host host;
  kit::Handler print(kit::load("print"), host);
  kit::Answer answer;
  {
    const Redirected to_pipe(ends[1]);
    REQUIRE(print.open().ok());
    answer = print.handle(payloads);
  }
  ::close(ends[1]);
  reader.join();
  CHECK(answer.all(STANDPIPE_DELIVERED));
  CHECK(got == expected);
}
