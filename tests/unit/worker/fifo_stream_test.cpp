// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE(
    "what is left in a FIFO waits for the next look by the clock; epoll would not tell of it "
    "again") {
  FifoSources f;
  auto& fifo = f.sources[0]->feed.stream().fifo();
  fifo.grow(1 * MiB);
  const Fd writer(::open(f.path().c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(::fcntl(writer.get(), F_SETFL, O_DIRECT) == 0);  // a packet is a slot of a pipe
  const auto slots = ::fcntl(f.stage.write_end.get(), F_SETPIPE_SZ, 16 * 4096) / 4096;
  const auto packet = framed("packet");
  const auto write = [&](int packets) {
    for (int i = 0; i < packets; ++i)
      REQUIRE(::write(writer.get(), packet.data(), packet.size()) ==
              static_cast<ssize_t>(packet.size()));
  };
  const auto turn = [&] { return f.sources[0]->turn(); };
  write(slots + 3);
  CHECK(turn() == worker::Turn::more);
  CHECK(turn() == worker::Turn::idle);
  f.sources[0]->feed.stream().poll_mode().keep_polling();
  write(slots + 3);
  CHECK(turn() == worker::Turn::idle);
  CHECK(fifo.waiting() == 3 * packet.size());
  write(2 * slots);  // more than one look takes
  CHECK(turn() == worker::Turn::more);
}

TEST_CASE("killed at any place of an accept, every byte comes once") {
  const Payloads sent = {"alpha", "", "beta"};
  std::string stream;
  for (const auto& s : sent) stream += framed(s);
  for (std::size_t moved = 0; moved <= stream.size(); ++moved) {
    for (std::size_t read = 0; read <= moved; ++read) {
      for (const bool told : {true, false}) {
        if (!told && read > 0) continue;  // it is told before the first byte is read
        FifoSources f;
        Writer writer(f.path());
        writer.write(stream);
        f.die_in(state::Step::accept, moved, told, read);
        f.crash();
        f.accept();
        REQUIRE(f.take() == sent);
        CHECK(f.counters().bytes == stream.size());
      }
    }
  }
}

TEST_CASE("killed again while an accept is taken up, every byte comes once") {
  const auto stream = framed("alpha") + framed("beta");
  for (std::size_t read = 0; read <= stream.size(); ++read) {
    FifoSources f;
    Writer writer(f.path());
    writer.write(stream);
    f.die_in(state::Step::accept, stream.size(), false, 0);
    f.keeping->moved(stream.size());  // as far as its first successor came ...
    const auto room = f.sources[0]->intake.log().same_room(stream.size());
    REQUIRE(::read(f.stage.read_end.get(), room.data(), read) == static_cast<ssize_t>(read));
    if (read == stream.size()) {
      f.sources[0]->intake.log().filled(read);  // ... up to its commit
      f.keeping->end();
    }
    f.crash();
    f.accept();
    CHECK(f.take() == Payloads{"alpha", "beta"});
  }
}

TEST_CASE("the step of one source is not another's") {
  FifoSources f(4 * MiB, 2);
  Writer first(f.path(0)), second(f.path(1));
  first.write(framed("one"));
  second.write(framed("two"));
  f.die_in(state::Step::accept, 7, false, 0, 1);
  f.crash();
  f.accept(0);
  f.accept(1);
  CHECK(f.take(0) == Payloads{"one"});
  CHECK(f.take(1) == Payloads{"two"});
}

TEST_CASE("more in the stage than was moved there is refused") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("alpha"));
  f.die_in(state::Step::accept, 9, false, 0);
  f.keeping->moved(5);
  CHECK_THROWS_AS(f.crash(), state::Memory::Damaged);
}
