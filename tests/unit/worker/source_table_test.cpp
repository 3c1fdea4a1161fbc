// SPDX-License-Identifier: Apache-2.0
#include "worker/source_table.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "deliver/scripted.h"
#include "temporary_folder.h"
#include "worker/event_key.h"
#include "worker/foundation.h"
#include "worker/loop_kit.h"

using namespace standpipe;

namespace {

config::HubOptions one_source(const std::string& fifo) {
  config::HubOptions options;
  options.memory_max = 4 * MiB;
  options.sources.push_back({.name = "in", .path = fifo, .log_size_max = kLogSizeLeast});
  options.handlers.emplace_back().name = "out";
  match::RouteOptions route;
  route.name = "all";
  route.from = {0};
  route.to = {0};
  options.routes.push_back(route);
  return options;
}

// One source with the smallest log there is, and one delivery of it.
class Fixture : public test::LoopKit {
 public:
  Fixture() {
    auto inlet = std::make_unique<worker::Inlet>(
        options.sources[0], 0, foundation.arena(), foundation.stage(),
        match::Matcher(0, options.routes, {}), clock, reporter, false);
    worker::FifoWatch watch(loop, worker::key(worker::kInlet), inlet->poll_mode());
    table.add(std::move(inlet), watch);
    delivery = table[0].inlet->make_delivery(0, "out", 0);
    foundation.memory().commit();
    writer = Fd(::open((folder / "in").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  }
  void send(std::uint32_t bytes) {
    std::string frame(STANDPIPE_WIRE_HEADER_BYTES + bytes, 'x');
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, bytes);
    frame.replace(0, sizeof header, reinterpret_cast<const char*>(header), sizeof header);
    REQUIRE(::write(writer.get(), frame.data(), frame.size()) ==
            static_cast<ssize_t>(frame.size()));
  }
  // Turns until there is nothing more, or no room for it.
  void accept() {
    auto turn = worker::Inlet::Turn::more;
    while (turn == worker::Inlet::Turn::more) turn = table[0].inlet->accept();
    table[0].is_full = turn == worker::Inlet::Turn::full;
  }
  void fill() {
    for (int i = 0; i < 3; ++i) send(10'000);
    accept();
    REQUIRE(table[0].is_full);
  }

  test::TemporaryFolder folder;
  test::Quiet reporter;
  keeper::Link link = keeper::Link::none();
  config::HubOptions options = one_source(folder / "in");
  worker::Foundation foundation{options, link, clock};
  worker::SourceTable table;
  std::unique_ptr<deliver::Delivery> delivery;
  Fd writer;
};

}  // namespace

TEST_CASE("a source is found by its log") {
  Fixture f;
  CHECK(f.table.number_of(f.delivery->log()) == 0);
  CHECK(&f.table.of(*f.delivery) == &f.table[0]);
}

TEST_CASE("handlers of what came are named once") {
  Fixture f;
  f.send(10);
  f.accept();
  CHECK(f.table.collect_news(0) == std::vector<std::size_t>{0});
  CHECK(f.table.collect_news(0).empty());
}

TEST_CASE("a full source that nobody has passed is stuck, and has no turn") {
  Fixture f;
  f.fill();
  f.table.dirty().add(0);
  CHECK(f.table.trim() == std::vector<std::size_t>{0});
  CHECK_FALSE(f.table.has_work());
}

TEST_CASE("a full source that has room again has a turn") {
  Fixture f;
  f.fill();
  f.delivery->drop_rest(deliver::Reason::shutdown, {});
  f.foundation.memory().commit();
  f.table.dirty().add(0);
  CHECK(f.table.trim().empty());
  CHECK(f.table.ready().round() == std::vector<std::size_t>{0});
}

TEST_CASE("a source that is not full is trimmed, and is neither stuck nor due") {
  Fixture f;
  f.send(10);
  f.accept();
  f.table.dirty().add(0);
  CHECK(f.table.trim().empty());
  CHECK_FALSE(f.table.has_work());
}
