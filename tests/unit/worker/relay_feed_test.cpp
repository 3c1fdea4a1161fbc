// SPDX-License-Identifier: Apache-2.0
#include "worker/relay_feed.h"

#include <catch2/catch.hpp>

#include "deliver/fifo_kit.h"
#include "deliver/give.h"
#include "deliver/senders.h"
#include "keeper/link.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

// A source and an output, and the feed that may relay from one to the other.
class RelayFixture {
 public:
  RelayFixture()
      : delivery(*f.deliveries[0]),
        senders([this](std::uint32_t) -> deliver::Delivery& { return delivery; }),
        output(
            plugin::FifoOutputRequest{
                .path = f.folder / "out", .mode = 0600, .create = true, .resend = true},
            senders.needs(f.reporter, 1 * MiB)),
        relay(*f.keeping, "in0", f.sources[0]->feed.stream().fifo().fd(), delivery),
        feed(f.sources[0]->feed),
        writer(f.path()) {
    output.attach(*f.keeping, link, 0);
    f.keeping->commit();
  }
  // What is written comes to the reader.
  std::string pass(const std::string& bytes) {
    writer.write(bytes);
    while (feed.feed(f.sources[0]->intake) == worker::Turn::more) {
    }
    give_all(delivery, output);
    now += 2s;  // past every back-off
    while (output.pump(now)) {
    }
    const auto got = reader ? reader->read() : "";
    while (output.pump(now += 2s)) {
    }
    f.keeping->commit();
    delivery.check_invariants();
    f.sources[0]->intake.trim();
    return got;
  }

  FifoSources f;
  deliver::Delivery& delivery;
  Senders senders;
  keeper::Link link = keeper::Link::none();
  deliver::Output output;
  deliver::Relay relay;
  worker::RelayFeed feed;
  Writer writer;
  std::optional<Reader> reader;
  Nanoseconds now{0};
};

}  // namespace

TEST_CASE(
    "what comes is relayed as long as there is a relay, and is in the log and the counters all the "
    "same") {
  RelayFixture r;
  r.reader.emplace(r.output.path());
  const auto frame = framed(std::string(50 * KiB, 'x'));
  CHECK(r.pass(framed("opens")) == framed("opens"));
  CHECK(r.pass(frame) == frame);
  CHECK(r.output.fifo()->relayed() == 0);
  r.feed.relay(&r.relay, &r.output);
  CHECK(r.pass(frame) == frame);
  const auto relayed = r.output.fifo()->relayed();
  CHECK(relayed == frame.size() - 4096);  // the last may be a packet, which is copied
  r.feed.relay(&r.relay, nullptr);
  CHECK(r.pass(frame) == frame);
  CHECK(r.output.fifo()->relayed() == relayed);
  CHECK(r.f.counters().accepted == 4);
  CHECK(r.f.counters().bytes == 9 + 3 * frame.size());
}

TEST_CASE("after a death the feed that relays recovers as the one that it decorates") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("alpha") + framed("beta"));
  f.die_in(state::Step::accept, 12, true, 5);
  f.crash();
  worker::RelayFeed feed(f.sources[0]->feed);
  feed.recover(f.sources[0]->intake);  // again: there is nothing left to be ended
  while (feed.feed(f.sources[0]->intake) == worker::Turn::more) {
  }
  CHECK(f.take() == Payloads{"alpha", "beta"});
}
