// SPDX-License-Identifier: Apache-2.0
#include "deliver/relay.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <random>

#include "fifo_kit.h"
#include "frame/length_prefixed.h"
#include "give.h"
#include "senders.h"
#include "source/fifo_source.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

using test::framed, test::Reader, test::Silent, test::unframed;

namespace {

constexpr std::size_t kLarge = 50 * KiB;

// A source up to its log, a relay, an output. Time is the test's.
class Fixture {
 public:
  explicit Fixture(unsigned mode = 0600)
      : in(make_fifo(folder / "in", mode)),
        keeping({.memory_max = 64 * MiB, .logs = 1, .deliveries = 1}),
        arena(keeping),
        log(arena, {.id = 0, .size_max = 16 * MiB}),
        codec(1 * MiB),
        delivery("in", "it", 0, log, 0),
        senders([this](std::uint32_t) -> deliver::Delivery& { return delivery; }),
        output(
            plugin::FifoOutputRequest{
                .path = folder / "out", .mode = 0600, .create = true, .resend = true},
            senders.needs(reporter, 1 * MiB)),
        relay(keeping, "in", in.get(), delivery) {
    output.attach(keeping, link, 0);
  }

  // As an inlet's turn does.
  void come(std::string_view bytes, bool relayed = true, std::string_view in_packets = {}) {
    write(bytes, 0);
    write(in_packets, O_DIRECT);
    take(bytes.size() + in_packets.size(), relayed);
  }
  void take(std::size_t size, bool relayed = true) {
    auto room = log.room(need_);
    REQUIRE(room.size() >= size);
    room = room.first(size);
    if (relayed) relay.prefetch(output, stage, size);
    relay.on_stage_read(output, !source::read_stage(stage, room));
    log.filled(size);
    keeping.commit();
    index();
  }
  void send() { test::give_all(delivery, output); }
  void pump() {
    now += 2s;  // past every back-off
    while (output.pump(now)) {
    }
    delivery.check_invariants();
    log.trim(delivery.settled());
  }
  // The first message finds the output closed.
  void open_for(Reader& reader) {
    come(framed("opens"));
    send();
    pump();
    CHECK(reader.read() == framed("opens"));
    pump();
  }
  std::size_t room() { return log.room(need_).size(); }

  test::TemporaryFolder folder;
  Fd in;
  Silent reporter;
  state::Memory keeping;
  keeper::Link link = keeper::Link::none();
  log::Arena arena;
  log::Log log;
  frame::LengthPrefixed codec;
  deliver::Delivery delivery;
  test::Senders senders;
  deliver::Output output;
  deliver::Relay relay;
  Pipe stage = Pipe::make(1 * MiB);
  Nanoseconds now{0};

 private:
  void write(std::string_view bytes, int flags) {
    REQUIRE(::fcntl(stage.write_end.get(), F_SETFL, O_NONBLOCK | flags) == 0);
    REQUIRE(::write(stage.write_end.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  static Fd make_fifo(const std::string& path, unsigned mode) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  void index() {
    std::array<frame::Frame, 64> frames;
    const std::uint64_t set = 1;
    for (;;) {
      const auto scan = codec.scan(log.unindexed(), frames);
      need_ = scan.need;
      if (scan.frames == 0) break;
      const auto count = static_cast<std::uint32_t>(scan.frames);
      while (!log.add_run(frames[scan.frames - 1].end, count, ++time_, 1, {&set, 1}))
        REQUIRE(log.make_room_for_index());
      delivery.edit_tally().matched += count;
      keeping.commit();
    }
  }

  std::uint64_t need_ = 0, time_ = 0;
};

std::string stream_of(const std::vector<std::string>& payloads) {
  std::string stream;
  for (const auto& p : payloads) stream += framed(p);
  return stream;
}

}  // namespace

TEST_CASE("what comes goes on by reference, but for what may be a packet at the end") {
  Fixture f;
  Reader reader(f.output.path());
  f.open_for(reader);
  const auto frames = framed(std::string(kLarge, 'x')) + framed("small");
  f.come(frames);
  f.send();
  f.pump();
  CHECK(f.output.fifo()->relayed() == frames.size() - 4096);
  CHECK(reader.read() == frames);
  f.pump();
  CHECK(f.delivery.tally().delivered == 3);
  CHECK(f.output.idle());
}

TEST_CASE(
    "whatever is relayed and what not, wherever frames end and readers die, they get each frame "
    "once and whole") {
  std::uint64_t by_reference = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    Fixture f;
    std::vector<std::string> sent, got;
    for (std::size_t i = 0; i < 60; ++i)
      sent.emplace_back(below(8) ? below(3000) : below(90'000), static_cast<char>('a' + i % 26));
    const auto stream = stream_of(sent);
    auto reader = std::make_unique<Reader>(f.output.path());
    std::string visit;
    const auto end_visit = [&] {
      for (auto& p : unframed(visit)) got.push_back(std::move(p));
      visit.clear();
    };
    for (std::size_t at = 0; at < stream.size() || !f.output.idle();) {
      if (at < stream.size() && below(3)) {
        const auto n =
            std::min({stream.size() - at, 1 + below(below(4) ? 90'000 : 6000), f.room()});
        f.come(std::string_view(stream).substr(at, n), below(6) != 0);
        at += n;
      }
      if (below(4)) f.send();
      if (below(4)) f.pump();
      if (below(2) || at == stream.size()) visit += reader->read(1 + below(200'000));
      if (seed % 2 && below(12) == 0) {
        reader.reset();
        end_visit();
        f.output.on_event(EPOLLERR, f.now);
        f.delivery.check_invariants();
        reader = std::make_unique<Reader>(f.output.path());
      }
      if (at == stream.size()) f.send(), f.pump();
    }
    end_visit();
    CHECK(got == sent);
    CHECK(f.delivery.tally().delivered == sent.size());
    by_reference += f.output.fifo()->relayed();
  }
  CHECK(by_reference > 1 * MiB);
}

TEST_CASE("the beginning of a frame that was abandoned does not go out") {
  Fixture f;
  Reader reader(f.output.path());
  f.open_for(reader);
  f.come(framed(std::string(kLarge, 'x')).substr(0, 45'000));
  f.log.drop_incomplete();  // its writer left
  const auto next = framed(std::string(30'000, 'y')) + framed("z");
  f.come(next);
  f.send();
  f.pump();
  CHECK(reader.read() == next);
}

TEST_CASE("nothing is relayed from a FIFO that others may write to") {
  for (const unsigned mode : {0620u, 0602u, 0622u}) {
    Fixture f(mode);
    Reader reader(f.output.path());
    for (int i = 0; i < 2; ++i) {
      f.come(framed(std::string(kLarge, 'x')));
      f.send();
      f.pump();
      CHECK(reader.read() == framed(std::string(kLarge, 'x')));
      f.pump();
    }
    CHECK(f.output.fifo()->relayed() == 0);
    REQUIRE(f.relay.refused());
    CHECK(f.relay.refused()->starts_with("others may write to its FIFO (mode 06"));
  }
}

TEST_CASE("packets are seen before any goes out, and then nothing is relayed any more") {
  Fixture f;
  Reader reader(f.output.path());
  f.open_for(reader);
  CHECK_FALSE(f.relay.refused());
  const auto frames = framed(std::string(30'000, 'p')) + framed(std::string(30'000, 'q'));
  for (int i = 0; i < 2; ++i) {
    f.come("", true, frames);
    f.send();
    f.pump();
    std::string got;
    for (std::size_t n = 1; got.size() < frames.size(); n = n % 700 + 1)
      got += reader.read(n);  // of a packet the rest would be lost
    CHECK(got == frames);
    f.pump();
  }
  CHECK(f.relay.refused() == "a writer writes packets (O_DIRECT)");
}

TEST_CASE("a single packet after whole bytes is not seen, and not among what goes by reference") {
  Fixture f;
  Reader reader(f.output.path());
  f.open_for(reader);
  const auto large = framed(std::string(kLarge, 'x')), packet = framed(std::string(4000, 'p'));
  f.come(large, true, packet);
  CHECK_FALSE(f.relay.refused());
  f.send();
  f.pump();
  CHECK(f.output.fifo()->relayed() == large.size() + packet.size() - 4096);
  CHECK(reader.read(large.size()) == large);
  std::string got;
  while (got.size() < packet.size()) got += reader.read(100);  // of a packet the rest would be lost
  CHECK(got == packet);
}

TEST_CASE("a FIFO that others may write to from now on is relayed no more") {
  Fixture f;
  Reader reader(f.output.path());
  f.open_for(reader);
  REQUIRE(::chmod((f.folder / "in").c_str(), 0622) == 0);
  f.come(framed(std::string(kLarge, 'x')));
  f.send();
  f.pump();
  CHECK(f.output.fifo()->relayed() == 0);
  CHECK(f.relay.refused() == "others may write to its FIFO (mode 0622)");
}

TEST_CASE(
    "what was changed behind the log's back is the next reader's, and readers' deaths are seen to "
    "as before") {
  Fixture f;
  auto reader = std::make_unique<Reader>(f.output.path());
  f.open_for(*reader);
  std::string page(60 * KiB, 'x');
  const auto whole = framed(std::string(page.size() - 4, 'x'));
  std::copy(whole.begin(), whole.end(), page.begin());
  iovec piece{page.data(), page.size()};
  REQUIRE(::vmsplice(f.stage.write_end.get(), &piece, 1, 0) == static_cast<ssize_t>(page.size()));
  f.take(page.size());
  f.send();
  f.pump();
  page[30'000] = 'y';
  reader.reset();
  f.output.on_event(EPOLLERR, f.now);
  CHECK(f.reporter.reported == std::vector<std::string>{"changed-behind"});
  reader = std::make_unique<Reader>(f.output.path());
  f.pump();
  (void)reader->read();
  f.come(framed("next"));
  f.send();
  f.pump();
  reader.reset();  // without having read it
  f.output.on_event(EPOLLERR, f.now);
  reader = std::make_unique<Reader>(f.output.path());
  f.pump();
  CHECK(reader->read() == framed("next"));
}
