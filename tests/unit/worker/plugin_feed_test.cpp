// SPDX-License-Identifier: Apache-2.0
#include "worker/plugin_feed.h"

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/batch.h"
#include "deliver/delivery.h"
#include "log/meta_block.h"
#include "match/rule.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using test::Listening, test::SettableClock;
using worker::PluginFeed, worker::Turn;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The fields of one message: {"k", "v"}.
std::vector<std::byte> fields(std::string_view name, std::string_view value) {
  log::MetaBlockWriter block;
  REQUIRE(block.add(name, bytes_of(value)));
  block.end_message();
  const auto whole = log::MetaBlock::read(block.finish())->fields(0);
  return {whole.begin(), whole.end()};
}

// A source of a plugin's messages: those with kind=a go to the first handler, the others to the
// second one.
class Fixture {
 public:
  explicit Fixture(PluginFeed::Options options = {}, std::uint64_t log_size_max = 256 * KiB,
                   std::uint64_t memory_max = 4 * MiB)
      : memory({.memory_max = memory_max, .logs = 1, .deliveries = 2}) {
    options.log_size_max = log_size_max;
    make(std::move(options), log_size_max);
  }
  // As the next worker does, in the same memory.
  void make(PluginFeed::Options options, std::uint64_t log_size_max = 256 * KiB) {
    feed.reset();
    deliveries.clear();
    intake.reset();
    arena.emplace(memory);
    intake.emplace(
        worker::IntakeOptions{
            .source = "made", .id = 0, .log_size_max = log_size_max, .message_size_max = 64 * KiB},
        *arena, match::Matcher(0, routes(), std::nullopt), clock, reporter);
    for (std::size_t bit = 0; bit < 2; ++bit)
      deliveries.push_back(
          intake->make_delivery(bit, bit == 0 ? "a" : "b", static_cast<std::uint32_t>(bit)));
    feed.emplace(*intake, std::move(options), clock);
    feed->serve({.wake = [this] { ++wakes; },
                 .want_turn = [this] { ++turns; },
                 .may_make = [this] { return may_make; },
                 .rate = &rate});
    memory.commit();
  }
  void append(const std::vector<deliver::MadeMessage>& messages) {
    feed->append(messages);
    memory.commit();
    feed->call_is_over();
  }
  // The payloads that wait for that handler, which it is through with then.
  std::vector<std::string> take(std::size_t bit) {
    std::vector<std::string> found;
    auto& delivery = *deliveries[bit];
    deliver::Batch batch(1024, 1 << 20);
    while (batch.fill_next(delivery)) {
      for (std::uint32_t i = 0; i < batch.count(); ++i) {
        const auto payload = batch.payload(i);
        std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
        log::FieldReader in(batch.fields(i));
        while (const auto field = in.next())
          text +=
              "{" + std::string(field->name) + "=" +
              std::string(reinterpret_cast<const char*>(field->value.data()), field->value.size()) +
              "}";
        found.push_back(text);
      }
      delivery.edit_tally().delivered += batch.count();
      delivery.finish(batch.range(0, batch.count()));
    }
    memory.commit();
    if (intake->trim()) feed->passed(intake->log().trimmed().position);
    return found;
  }
  void settle_all() {
    (void)take(0);
    (void)take(1);
  }

  SettableClock clock;
  Listening reporter;
  state::Memory memory;
  std::optional<log::Arena> arena;
  worker::RateLimit rate{0, 0};
  std::optional<worker::Intake> intake;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;
  std::optional<PluginFeed> feed;
  int wakes = 0, turns = 0;
  bool may_make = true;

 private:
  static std::vector<match::RouteOptions> routes() {
    match::Condition is_a{.subject = match::Subject::meta, .op = match::Op::eq, .operands = {}};
    is_a.operands = {match::Operand(match::Value::string("a"))};
    is_a.name = "kind";
    return {{.name = "a", .from = {0}, .rule = {.conditions = {is_a}}, .to = {0}, .final = true},
            {.name = "b", .from = {0}, .to = {1}}};
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("What a plugin makes is matched by its metadata, and keeps it") {
  Fixture f;
  const auto a = fields("kind", "a"), b = fields("kind", "b");
  const auto credit = f.feed->room(0);
  REQUIRE(credit);
  CHECK(credit->next_sequence == 1);
  CHECK(credit->message_size_max == 64 * KiB);
  f.append({{0, bytes_of("one"), a}, {0, bytes_of("two"), b}, {1, bytes_of(""), {}}});
  CHECK(f.take(0) == Texts{"one{kind=a}"});
  CHECK(f.take(1) == Texts{"two{kind=b}", ""});
  CHECK(f.intake->counters().accepted == 3);
  CHECK(f.intake->log().empty());
  REQUIRE(f.feed->room(0));
  f.append({{0, bytes_of("plain"), {}}});
  CHECK(f.take(1) == Texts{"plain"});
  f.intake->check_invariants();
}

TEST_CASE("Where there is no room the plugin waits, and is woken when there is") {
  Fixture f({}, 32 * KiB);
  const std::string kilobyte(1024, 'x');
  std::size_t made = 0;
  while (const auto credit = f.feed->room(0)) {
    std::vector<deliver::MadeMessage> messages;
    for (std::uint64_t left = credit->bytes - 16; left > 1200; left -= 1040)
      messages.push_back({0, bytes_of(kilobyte), {}});
    f.append(messages);
    REQUIRE(!messages.empty());
    made += messages.size();
    REQUIRE(made < 100);
  }
  CHECK(made >= 8);
  CHECK(f.intake->log().memory() <= 40 * KiB);
  const int wakes = f.wakes;
  CHECK(f.feed->feed(*f.intake) == Turn::full);
  CHECK(f.wakes == wakes);
  CHECK(f.take(1).size() == made);
  CHECK(f.feed->feed(*f.intake) == Turn::idle);
  CHECK(f.wakes == wakes + 1);
  CHECK(f.feed->room(0));
}

TEST_CASE("A message that is larger than usual gets room when it is asked for") {
  Fixture f({}, 32 * KiB);
  const std::string large(60 * KiB, 'x');
  const auto usual = f.feed->room(0);
  REQUIRE(usual);
  CHECK(usual->bytes < large.size());
  CHECK(usual->bytes_max >= large.size());
  f.feed->call_is_over();
  const auto credit = f.feed->room(large.size() + 100);
  REQUIRE(credit);
  f.append({{0, bytes_of(large), {}}});
  CHECK(f.take(1) == Texts{large});
}

TEST_CASE("Nothing is made before what an earlier run left was fed") {
  Fixture f;
  f.may_make = false;
  CHECK_FALSE(f.feed->room(0));
  CHECK(f.turns == 1);
  CHECK(f.feed->feed(*f.intake) == Turn::full);
  f.may_make = true;
  CHECK(f.feed->feed(*f.intake) == Turn::idle);
  CHECK(f.wakes == 1);
}

TEST_CASE("An empty log's segment stays while a call is in progress, and goes back after it") {
  Fixture f;
  REQUIRE(f.feed->room(0));
  (void)f.intake->trim();
  CHECK(f.intake->log().memory() > 0);
  f.append({{0, bytes_of("in the room that was kept"), {}}});
  f.settle_all();
  CHECK(f.intake->log().memory() == 0);
}

TEST_CASE(
    "A source goes on where it said, in each worker; and after what is settled, in another run") {
  Fixture f({.is_source = true, .resume = "from the file"});
  CHECK(f.feed->resume() == "from the file");
  CHECK(f.feed->settled_resume() == "from the file");
  for (const auto* place : {"one", "two"}) {
    REQUIRE(f.feed->room(0));
    f.feed->append(std::vector<deliver::MadeMessage>{{0, bytes_of(place), {}}});
    f.feed->keep_resume(place);
    f.memory.commit();
    f.feed->call_is_over();
  }
  CHECK(f.feed->resume() == "two");
  CHECK(f.feed->settled_resume() == "from the file");
  CHECK(f.feed->safe_until() == 0);
  f.settle_all();
  CHECK(f.feed->settled_resume() == "two");
  CHECK(f.feed->safe_until() == 2);
  CHECK(f.wakes > 0);
  f.feed->keep_resume("three");  // without a message
  f.memory.commit();
  CHECK(f.feed->settled_resume() == "three");
  f.make({.is_source = true, .resume = "what the file says does not count any more"});
  CHECK(f.feed->resume() == "three");
  CHECK(f.feed->settled_resume() == "three");
  f.make({.is_source = true, .plugin = "another"});
  CHECK(f.feed->resume().empty());  // it is another plugin's
}

TEST_CASE("Until all before the last place is settled, another worker knows the file's") {
  Fixture f({.is_source = true, .plugin = "it", .resume = "one"});
  REQUIRE(f.feed->room(0));
  f.feed->append(std::vector<deliver::MadeMessage>{{0, bytes_of("x"), {}}});
  f.feed->keep_resume("two");
  f.memory.commit();
  f.feed->call_is_over();
  f.make({.is_source = true, .plugin = "it", .resume = "one"});
  CHECK(f.feed->resume() == "two");
  CHECK(f.feed->settled_resume() == "one");
}

TEST_CASE("What a call was given stays, whatever turns the source takes meanwhile") {
  Fixture f;
  f.may_make = false;
  CHECK_FALSE(f.feed->room(0));
  f.may_make = true;
  const auto credit = f.feed->room(0);  // before the turn that would find that out
  REQUIRE(credit);
  CHECK(f.feed->feed(*f.intake) == Turn::idle);
  (void)f.intake->trim();
  (void)f.intake->trim();
  f.append({{0, bytes_of(std::string(credit->bytes - 100, 'x')), {}}});
  CHECK(f.take(1).size() == 1);
}

TEST_CASE("Of many places that wait, some are forgotten, and no message is lost by that") {
  Fixture f({.is_source = true});
  for (std::size_t i = 1; i <= 3 * PluginFeed::kPlacesMax; ++i) {
    REQUIRE(f.feed->room(0));
    f.feed->append(std::vector<deliver::MadeMessage>{{0, bytes_of("x"), {}}});
    f.feed->keep_resume(std::to_string(i));
    f.memory.commit();
    f.feed->call_is_over();
  }
  // One message after the other is settled: the place is never after it.
  deliver::Batch batch(1, 1 << 20);
  for (std::size_t settled = 1; settled <= 3 * PluginFeed::kPlacesMax; ++settled) {
    auto& delivery = *f.deliveries[1];
    REQUIRE(batch.fill_next(delivery));
    delivery.edit_tally().delivered += 1;
    delivery.finish(batch.range(0, 1));
    f.memory.commit();
    if (f.intake->trim()) f.feed->passed(f.intake->log().trimmed().position);
    const auto& place = f.feed->settled_resume();
    CHECK((place.empty() ? 0 : std::stoul(place)) <= settled);
  }
  CHECK(f.feed->settled_resume() == std::to_string(3 * PluginFeed::kPlacesMax));
}

TEST_CASE("With `ack: accepted` all is safe when the log has it") {
  Fixture f({.is_source = true, .is_safe_when_taken = true});
  REQUIRE(f.feed->room(0));
  f.feed->append(std::vector<deliver::MadeMessage>{{0, bytes_of("x"), {}}});
  f.feed->keep_resume("place");
  f.memory.commit();
  f.feed->call_is_over();
  CHECK(f.feed->safe_until() == 1);
  CHECK(f.feed->settled_resume() == "place");
}

TEST_CASE("A rate bounds what a source may put, and says when to ask again") {
  Fixture f({.is_source = true});
  f.rate = worker::RateLimit(10, 3);
  const auto credit = f.feed->room(0);
  REQUIRE(credit);
  CHECK(credit->messages == 3);
  const std::vector<deliver::MadeMessage> three(3, {0, bytes_of("x"), {}});
  f.append(three);
  CHECK_FALSE(f.feed->room(0));
  CHECK(f.feed->ask_again());
}
