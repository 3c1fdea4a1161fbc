// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kit.h"

TEST_CASE("forward asks for its FIFO and sends every message there") {
  kit::Host host;
  kit::Handler forward(kit::load("forward"), host, {{"fifo", "/run/x"}, {"mode", "0620"}});
  REQUIRE(forward.open().ok());
  REQUIRE(host.fifos.size() == 1);
  CHECK(host.fifos[0].path == "/run/x");
  CHECK((host.fifos[0].mode == 0620 && host.fifos[0].mode_given == 1));
  CHECK(host.fifos[0].create == 1);
  CHECK(host.fifos[0].on_reader_death == STANDPIPE_READER_DEATH_RESEND);
  CHECK(host.all_to == 1);
  const auto answer = forward.handle({"", "a", std::string(1 << 20, 'x')});
  CHECK(answer.all(STANDPIPE_SEND));
  CHECK(answer.settled == 3);
  CHECK(answer.output == 1);
}

TEST_CASE("forward passes on what was asked for") {
  kit::Host host;
  kit::Handler forward(kit::load("forward"), host,
                       {{"fifo", "/run/x"}, {"create", "false"}, {"on_reader_death", "count"}});
  REQUIRE(forward.open().ok());
  CHECK((host.fifos[0].mode == 0600 && host.fifos[0].mode_given == 0));
  CHECK(host.fifos[0].create == 0);
  CHECK(host.fifos[0].on_reader_death == STANDPIPE_READER_DEATH_COUNT);
}

TEST_CASE("forward never blocks, and says so") {
  CHECK(kit::load("forward").handler->placement == STANDPIPE_INLINE);
  CHECK(kit::load("print").handler->placement == STANDPIPE_THREAD);
  CHECK(kit::load("log").handler->placement == STANDPIPE_THREAD);
}

TEST_CASE("a FIFO that the hub refuses holds the forward, with the hub's words") {
  kit::Host host;
  host.fifo_refusal = "/run/x is a regular file, not a FIFO";
  kit::Handler forward(kit::load("forward"), host, {{"fifo", "/run/x"}});
  const auto answer = forward.open();
  CHECK(answer.fatal());
  CHECK(answer.reason == "/run/x is a regular file, not a FIFO");
}

TEST_CASE("a hub without outputs holds the forward") {
  kit::Host host;
  host.has_outputs = false;
  kit::Handler forward(kit::load("forward"), host, {{"fifo", "/run/x"}});
  const auto answer = forward.open();
  CHECK(answer.fatal());
  CHECK(answer.reason == "this router has no standpipe.output/1");
}

TEST_CASE("a mode that is none is refused") {
  const std::string bad = GENERATE("888", "0", "00640", "rw", "-640", "1777");
  kit::Host host;
  kit::Handler forward(kit::load("forward"), host, {{"fifo", "/run/x"}, {"mode", bad}});
  CHECK(forward.created.fatal());
  CHECK(forward.created.reason ==
        "mode: '" + bad + "' is not a file mode: write it in octal, as in \"0640\"");
}
