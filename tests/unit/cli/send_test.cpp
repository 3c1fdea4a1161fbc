// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <chrono>

#include "console.h"
#include "fifo_fixture.h"

using namespace standpipe::cli;
using kit::Console;
using kit::Fifo;
using kit::frame;

namespace {

struct Read : Fifo {
  standpipe::Fd reader = open_reader();
  std::string content() { return kit::read_all(reader); }
};

}  // namespace

TEST_CASE("messages come from the line, over and over") {
  Read fifo;
  Console c;
  CHECK(c.run({"send", fifo.path, "a", "", "--count", "2"}) == 0);
  CHECK(fifo.content() == frame("a") + frame("") + frame("a") + frame(""));
  CHECK(c.err() == "sent 4 messages, 2 bytes\n");
  CHECK(c.out().empty());
}

TEST_CASE("messages come from lines of standard input, the incomplete last one too") {
  Read fifo;
  Console c("one\n\nlast");
  CHECK(c.run({"send", fifo.path, "--quiet"}) == 0);
  CHECK(fifo.content() == frame("one") + frame("") + frame("last"));
  CHECK(c.err().empty());
}

TEST_CASE("a message is a whole file, or all of standard input") {
  Read fifo;
  Console c("one\ntwo\n");
  CHECK(c.run({"send", fifo.path, "--file", "-"}) == 0);
  CHECK(fifo.content() == frame("one\ntwo\n"));
  CHECK(c.err() == "sent 1 message, 8 bytes\n");
}

TEST_CASE("a line beyond the limit does not take along those before it") {
  Read fifo;
  Console c("ok\nmuch too long\n");
  CHECK(c.run({"send", fifo.path, "--max-message-size", "8B"}) == 1);
  CHECK(fifo.content() == frame("ok"));
  CHECK(c.err() ==
        "error: line 2 has more than 8 bytes, the limit; it was not sent (before it: sent 1 "
        "message, 2 bytes)\n"
        "  help: --max-message-size raises the limit here; the hub has its own: framing: { "
        "max_message_size: }\n");
}

TEST_CASE("of messages on the line nothing is sent when one is beyond the limit") {
  Read fifo;
  Console c;
  CHECK(c.run({"send", fifo.path, "ok", "much too long", "--max-message-size", "8B"}) == 1);
  CHECK(fifo.content().empty());
  CHECK(c.err() ==
        "error: message 2 has 13 bytes, the limit is 8; nothing was sent\n"
        "  help: --max-message-size raises the limit here; the hub has its own: framing: { "
        "max_message_size: }\n");
}

TEST_CASE("a rate is kept") {
  Read fifo;
  Console c;
  const auto began = std::chrono::steady_clock::now();
  CHECK(c.run({"send", fifo.path, "x", "--count", "6", "--rate", "50/s"}) == 0);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(100));
  CHECK(c.err() == "sent 6 messages, 6 bytes\n");
}

TEST_CASE("options that contradict each other, or come too early, are reported") {
  Read fifo;
  const auto told = [&](std::vector<std::string> words) {
    Console c;
    words.insert(words.begin(), {"send", fifo.path});
    const auto status = std::to_string(c.run(words));
    return status + ' ' + c.err();
  };
  CHECK(told({"--framing", "lines", "x"}) ==
        "2 error: framing 'lines' is not available in this version\n  help: only length_prefixed "
        "is\n");
  CHECK(told({"--framing", "xml", "x"}) ==
        "2 error: unknown framing 'xml'\n  help: only length_prefixed is available in this "
        "version\n");
  CHECK(told({"--count", "2"}) ==
        "2 error: --count repeats messages of the command line or of --file; lines of standard "
        "input come once\n"
        "  help: give the message after the FIFO, or use --file -\n");
  CHECK(told({"x", "--file", "-"}) ==
        "2 error: messages come from the command line or from --file, not from both\n  help: leave "
        "one out\n");
  CHECK(told({"x", "--max-message-size", "2GiB"}) ==
        "2 error: --max-message-size must be from 1B to 1GiB\n  help: e.g. --max-message-size "
        "64MiB\n");
}
