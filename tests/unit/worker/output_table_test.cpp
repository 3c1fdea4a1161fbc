// SPDX-License-Identifier: Apache-2.0
#include "worker/output_table.h"

#include <catch2/catch.hpp>

#include "deliver/keeping.h"
#include "deliver/scripted.h"
#include "temporary_folder.h"
#include "worker/delivery_table.h"
#include "worker/event_key.h"
#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

class Fixture final : public test::LoopKit, private deliver::SettlementObserver {
 public:
  explicit Fixture(std::optional<Fd> kept = {})
      : memory(kept ? state::Memory(std::move(*kept))
                    : state::Memory({.memory_max = 4 * MiB,
                                     .logs = 1,
                                     .deliveries = 1,
                                     .handlers = 1,
                                     .outputs = 4})) {}
  deliver::Output* open(const std::string& name, bool resend = true) {
    return table.open({.path = folder / name, .resend = resend}, why);
  }

  test::TemporaryFolder folder;
  state::Memory memory;
  state::Directory directory{memory};
  keeper::Link link = keeper::Link::none();
  test::Quiet reporter;
  worker::DeliveryTable deliveries;
  std::string why, opened;
  worker::OutputTable table{
      loop,
      memory,
      directory,
      link,
      {reporter, deliveries, *this, {4096, 4096}},
      [this](const deliver::Output& output) { opened += output.path() + ' '; }};

 private:
  void settled(deliver::Delivery&) override {}
};

}  // namespace

TEST_CASE("two handlers that send to one FIFO share one output") {
  Fixture f;
  auto* first = f.open("out");
  REQUIRE(first);
  CHECK(f.open("out") == first);
  CHECK(f.open("./out") == first);
  CHECK(f.open("other") != first);
}

TEST_CASE("two handlers that want different things of one FIFO are refused, with the reason") {
  Fixture f;
  REQUIRE(f.open("out", true));
  CHECK(f.open("out", false) == nullptr);
  CHECK(f.why ==
        "another handler sends to " + (f.folder / "out") + " with a different on_reader_death");
}

TEST_CASE("what cannot be opened is refused, with the reason") {
  Fixture f;
  CHECK(f.open("no/such/folder") == nullptr);
  CHECK(f.why.find("no/such") != std::string::npos);
}

TEST_CASE("each output is shown before a plugin has it") {
  Fixture f;
  f.open("out");
  CHECK(f.opened == (f.folder / "out") + ' ');
}

TEST_CASE(
    "an output is the loop's from the moment that it adopts it: it has a turn, and is visited") {
  Fixture f;
  auto* output = f.open("out");
  CHECK_FALSE(f.table.has(output->id()));
  CHECK_FALSE(f.table.has_work());
  f.table.adopt();
  CHECK(f.table.has(output->id()));
  CHECK(&f.table.output(output->index()) == output);
  CHECK(f.table.pump());
  CHECK_FALSE(f.table.pump());
  f.clock.now += worker::OutputTable::kVisitEach;
  CHECK(f.round().find("timer " + std::to_string(worker::key(worker::kVisits))) !=
        std::string::npos);
}

TEST_CASE("an output that nobody has is damage, and not a crash") {
  Fixture f;
  CHECK_THROWS_AS(f.table.output(3), state::Memory::Damaged);
}

TEST_CASE("a table in which nothing waits is drained, and all of it has moved") {
  Fixture f;
  f.open("out");
  f.table.adopt();
  CHECK(f.table.drain());
  CHECK(f.table.all_moved());
}
