// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "deliver/delivery.h"
#include "deliver/fifo_kit.h"
#include "log/arena.h"
#include "match/matcher.h"
#include "source/fifo_source.h"
#include "state/memory.h"
#include "temporary_folder.h"
#include "worker/fifo_feed.h"
#include "worker/intake.h"

// Sources that are fed by FIFOs, for the tests of what such a feed is made of.
namespace test {

using namespace standpipe;

using namespace std::chrono_literals;
using Payloads = std::vector<std::string>;

class SettableClock final : public Clock {
 public:
  Nanoseconds steady() const override { return now; }
  Nanoseconds wall() const override { return now + set_by; }
  Nanoseconds now{1s};
  Nanoseconds set_by{0};  // the wall's clock, forward or back
};

class Listening final : public Reporter {
 public:
  void say(const Diagnostic& d) override { reported.push_back(d); }
  std::vector<Diagnostic> reported;
};

inline std::string header(std::uint32_t length) {
  std::uint8_t bytes[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(bytes, length);
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

class Writer {
 public:
  explicit Writer(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) {
    REQUIRE(fd_);
  }
  int fd() const { return fd_.get(); }
  void write(std::string_view bytes) {
    REQUIRE(::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  Fd fd_;
};

// A child that works on the same memory, unlike one that a plugin forks; for it to die somewhere.
inline pid_t fork_with(const state::Memory& memory) {
  struct stat st {};
  REQUIRE(::fstat(memory.fd(), &st) == 0);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(&memory.shared()) / page * page;
  REQUIRE(::madvise(reinterpret_cast<void*>(begin), static_cast<std::size_t>(st.st_size),
                    MADV_DOFORK) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  return child;
}

// A source's intake and the feed of its FIFO.
struct FifoFedSource {
  worker::Turn turn() { return feed.feed(intake); }
  bool end_dribble() { return feed.acceptance().end_dribble(intake); }
  worker::SourceState state() const { return feed.state(intake); }
  void remind() { feed.discarding().remind(intake); }

  worker::Intake intake;
  worker::FifoFeed feed;
};

// Sources with one delivery each, all in one arena. Events are what the test says.
class FifoSources {
 public:
  explicit FifoSources(std::uint64_t memory = 4 * MiB, std::size_t count = 1,
                       std::uint64_t largest = 1 * MiB, std::uint64_t most = kLogSizeDefault)
      : message_max(largest),
        log_max(most),

        keeping(std::make_unique<state::Memory>(
            state::MemoryPlan{.memory_max = memory, .logs = count, .deliveries = count})),
        stage(Pipe::make(kStageBytes)),
        dev_null(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    begin(std::vector<std::optional<Fd>>(count));
  }
  // The worker dies, and the next one recovers what it left.
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(keeping->fd())));
    std::vector<std::optional<Fd>> kept;
    for (const auto& source : sources)
      kept.emplace_back(Fd(::dup(source->feed.stream().fifo().fd())));
    deliveries.clear();
    sources.clear();
    keeping = std::move(next);
    begin(std::move(kept));
    for (auto& source : sources) source->feed.recover(source->intake);
    arena->forget_unclaimed();
    for (auto& source : sources) source->intake.check_invariants();
    CHECK(keeping->step() == state::Step::none);
    CHECK_FALSE(keeping->pending());
  }
  // As a step that is killed: so much came into the stage; that was told, or not; so much of it was
  // read on.
  void die_in(state::Step step, std::size_t bytes, bool told, std::size_t read, std::size_t i = 0) {
    const auto room = sources[i]->intake.log().room(0);
    keeping->commit();
    keeping->begin(step, i);
    if (bytes)
      REQUIRE(::splice(sources[i]->feed.stream().fifo().fd(), nullptr, stage.write_end.get(),
                       nullptr, bytes, 0) == static_cast<ssize_t>(bytes));
    if (told) keeping->moved(bytes);
    if (read)
      REQUIRE(::read(stage.read_end.get(), room.data(), read) == static_cast<ssize_t>(read));
  }

  std::string path(std::size_t i = 0) { return sources[i]->feed.stream().fifo().path(); }
  worker::Turn accept(std::size_t i = 0) {
    auto turn = sources[i]->turn();
    while (turn == worker::Turn::more) turn = sources[i]->turn();
    sources[i]->intake.check_invariants();
    return turn;
  }
  void writers_left(std::size_t i = 0) {
    sources[i]->feed.stream().on_event(EPOLLHUP);
    accept(i);
  }
  // The beginning of a frame of 2 MiB: its length is known with the first byte, its memory asked
  // for with the second.
  void begin_large(Writer& writer, std::size_t i) {
    writer.write(header(2 * MiB) + "a");
    accept(i);
    writer.write("a");
    accept(i);
  }
  // Takes all payloads that arrived.
  std::vector<std::string> take(std::size_t i = 0) {
    std::vector<std::string> payloads;
    auto& d = *deliveries[i];
    auto at = d.next();
    while (const auto piece = d.log().read(at, 0)) {
      auto bytes =
          std::string_view(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
      while (!bytes.empty()) {
        const auto n =
            standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(bytes.data()));
        payloads.emplace_back(bytes.substr(STANDPIPE_WIRE_HEADER_BYTES, n));
        bytes.remove_prefix(STANDPIPE_WIRE_HEADER_BYTES + n);
      }
      d.give_out({piece->begin, piece->end, piece->count});
      d.finish({piece->begin, piece->end, piece->count});
      d.edit_tally().delivered += piece->count;
      at = piece->end;
    }
    keeping->commit();
    d.check_invariants();
    sources[i]->intake.trim();
    return payloads;
  }
  void accept_last(std::size_t i = 0) {
    arena->lift_limit();
    sources[i]->feed.accept_last(sources[i]->intake, 7777, std::chrono::milliseconds(300));
    sources[i]->intake.check_invariants();
  }
  // The hub stops, and another one starts.
  void next_hub(const std::function<void()>& meanwhile = [] {}) {
    accept_last();
    const auto note = sources[0]->feed.stop_note();
    deliveries.clear();
    sources.clear();
    meanwhile();
    keeping = std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 1});
    begin(std::vector<std::optional<Fd>>(1));
    sources[0]->feed.resume(&note);
  }
  const deliver::SourceCounters& counters(std::size_t i = 0) const {
    return sources[i]->intake.counters();
  }

  TemporaryFolder folder;
  SettableClock clock;
  Listening reporter;
  std::uint64_t message_max, log_max;
  std::unique_ptr<state::Memory> keeping;
  std::optional<log::Arena> arena;
  Pipe stage;
  Fd dev_null;
  std::vector<std::unique_ptr<FifoFedSource>> sources;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;

 private:
  void begin(std::vector<std::optional<Fd>> kept) {
    arena.emplace(*keeping);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto name = "in" + std::to_string(i);
      source::SourceOptions options{.name = name, .path = folder / name};
      options.message_size_max = message_max;
      options.log_size_max = log_max;
      match::RouteOptions route;
      route.from = {i};
      route.to = {0};
      sources.push_back(std::unique_ptr<FifoFedSource>(new FifoFedSource{
          {{.source = name, .id = i, .log_size_max = log_max, .message_size_max = message_max},
           *arena,
           match::Matcher(i, {route}, {}),
           clock,
           reporter},
          {options, i, source::Stage{stage, dev_null.get()}, *keeping, clock, reporter,
           std::move(kept[i])}}));
      deliveries.push_back(
          sources.back()->intake.make_delivery(0, "it", static_cast<std::uint32_t>(i)));
    }
    keeping->commit();
  }
};

}  // namespace test
