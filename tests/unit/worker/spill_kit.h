// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "deliver/fifo_kit.h"
#include "deliver/remaining.h"
#include "deliver/spill.h"
#include "metadata.h"
#include "temporary_folder.h"
#include "worker/inlet.h"

// A source with what earlier runs left of it on the disk.
namespace test {

using namespace standpipe;

using Texts = std::vector<std::string>;

class SpillClock final : public Clock {
 public:
  Nanoseconds steady() const override { return std::chrono::seconds(1); }
  Nanoseconds wall() const override { return Nanoseconds(77); }
};

class SpillReporter final : public Reporter {
 public:
  void say(const Diagnostic& d) override { reported += d.message + '\n'; }
  bool has_reported(std::string_view text) const { return reported.find(text) != reported.npos; }
  std::string reported;
};

inline std::string payload_of(std::span<const std::byte> frame) {
  return std::string(reinterpret_cast<const char*>(frame.data()), frame.size())
      .substr(STANDPIPE_WIRE_HEADER_BYTES);
}

// A message in tests, "PAYLOAD" or "PAYLOAD@KEY" with metadata.
inline std::string shown(std::span<const std::byte> frame, std::span<const std::byte> fields) {
  const auto meta = fields_text(fields);  // "k=KEY"
  return payload_of(frame) + (meta.empty() ? "" : '@' + meta.substr(2));
}

// A spill of source "in": messages of "HANDLERS PAYLOAD" or "HANDLERS PAYLOAD@KEY", where each
// letter is a handler. Returns its path.
inline std::string write_spill(const TemporaryFolder& folder, const Texts& messages,
                               std::uint64_t time = 5) {
  deliver::SpillWriter writer(folder.path(), "in");
  std::uint64_t sequence = 100;
  for (const auto& m : messages) {
    const auto space = m.find(' ');
    std::vector<std::string_view> handlers;
    for (std::size_t i = 0; i < space; ++i) handlers.push_back(std::string_view(m).substr(i, 1));
    const auto at = std::min(m.find('@'), m.size());
    const auto frame = framed(m.substr(space + 1, at - space - 1));
    const auto bytes = std::as_bytes(std::span(frame));
    const auto fields =
        at == m.size() ? std::vector<std::byte>() : fields_of({{"k", m.substr(at + 1)}});
    REQUIRE_FALSE(writer.add(++sequence, time, handlers, {&bytes, 1}, fields));
  }
  REQUIRE_FALSE(writer.finish());
  return writer.path();
}

// "HANDLERS PAYLOAD", as in write_spill.
inline std::string shown(const deliver::SavedMessage& message) {
  std::string handlers;
  for (const auto& h : message.handlers) handlers += h;
  return handlers + ' ' + shown(message.frame, message.fields);
}

// What a file has.
inline Texts read_spill(const std::string& path) {
  Texts messages;
  deliver::SpillReader reader(path);
  while (const auto m = reader.next()) messages.push_back(shown(*m));
  return messages;
}

// What a worker has.
struct SpillWorker {
  SpillWorker(std::unique_ptr<state::Memory> memory, const std::string& folder, const Clock& clock,
              Reporter& reporter, std::uint64_t log_max, std::uint64_t message_max)
      : keeping(std::move(memory)),
        arena(*keeping),
        dev_null(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    source::SourceOptions options{.name = "in", .path = folder + "/in"};
    options.log_size_max = log_max;
    options.message_size_max = message_max;
    match::RouteOptions route;
    route.from = {0};
    route.to = {0, 1};
    const bool continues = keeping->recovered();
    inlet = std::make_unique<worker::Inlet>(options, 0, arena, source::Stage{stage, dev_null.get()},
                                            match::Matcher(0, {route}, {}), clock, reporter, false);
    deliveries.push_back(inlet->make_delivery(0, "a", 0));
    deliveries.push_back(inlet->make_delivery(1, "b", 1));
    worker::HandlerBits bits(
        "in", {"a", "b"}, [this](const auto& handler) { return add(handler); }, reporter);
    inlet->serve(std::make_unique<worker::SpillFeed>(*keeping, folder, "in", std::move(bits),
                                                     continues, reporter));
    if (continues) inlet->recover();
  }
  // A delivery that was not there at first. Two at most.
  std::optional<std::size_t> add(const std::string& handler) {
    if (deliveries.size() == 4) return std::nullopt;
    const auto bit = inlet->add_handler(deliveries.size());
    deliveries.push_back(inlet->make_delivery(*bit, handler, static_cast<std::uint32_t>(*bit)));
    keeping->commit();
    return bit;
  }

  std::unique_ptr<state::Memory> keeping;
  log::Arena arena;
  Fd dev_null;
  Pipe stage = Pipe::make(kStageBytes);
  std::unique_ptr<worker::Inlet> inlet;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;
};

// Verbs: spilled (by an earlier run), start, crash, turn, take, write, stop.
class SpillKit {
 public:
  std::string spilled(const Texts& messages, std::uint64_t time = 5) {
    return write_spill(folder, messages, time);
  }
  void start(const worker::StopNote* note = nullptr) {
    worker.reset();
    make(std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 4}));
    worker->inlet->resume(note);
  }
  // The next worker has what the last commit left.
  void crash() {
    Fd memory(::dup(worker->keeping->fd()));
    worker.reset();
    make(std::make_unique<state::Memory>(std::move(memory)));
  }
  worker::Inlet::Turn turn() {
    const auto turn = worker->inlet->accept();
    check();
    return turn;
  }
  void feed() {
    for (int i = 0; i < 1000 && turn() == worker::Inlet::Turn::more; ++i) {
    }
  }
  // All that is there for a handler.
  Texts take(std::size_t handler) {
    Texts payloads;
    auto& d = *worker->deliveries[handler];
    const deliver::Delivery* one[] = {&d};
    deliver::Remaining remaining(one);
    while (const auto m = remaining.next()) payloads.push_back(shown(m->frame, m->fields));
    auto at = d.next();
    while (const auto piece = d.log().read(at, d.bit())) {
      const deliver::Range range{piece->begin, piece->end, piece->count};
      d.give_out(range);
      d.finish(range);
      d.edit_tally().delivered += range.count;
      at = piece->end;
    }
    worker->keeping->commit();
    worker->inlet->trim();
    check();
    return payloads;
  }
  void write(const Texts& payloads) {
    std::string bytes;
    for (const auto& p : payloads) bytes += framed(p);
    write_bytes(bytes);
  }
  void write_bytes(std::string_view bytes) {
    if (!writer_) writer_.reset(::open((folder / "in").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(::write(writer_.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::uint64_t stop() {
    worker->inlet->begin_stop();
    worker->inlet->accept_last(7777, std::chrono::milliseconds(300));
    return spill().unfed;
  }
  worker::SpillFeed::Spilled spill() {
    return worker->inlet->spills()->spill(
        {worker->inlet->deliveries().begin(), worker->inlet->deliveries().end()});
  }
  // "HANDLERS PAYLOAD" of all files.
  Texts on_disk() const {
    Texts messages;
    for (const auto& path : files())
      for (auto& message : read_spill(path)) messages.push_back(std::move(message));
    return messages;
  }
  Texts files() const { return deliver::SpillReader::find(folder.path(), "in"); }
  const deliver::SourceCounters& counters() const { return worker->inlet->counters(); }

  TemporaryFolder folder;
  SpillClock clock;
  SpillReporter reporter;
  std::uint64_t log_max = 4 * MiB, message_max = 1 * MiB;
  std::optional<SpillWorker> worker;

 private:
  void make(std::unique_ptr<state::Memory> memory) {
    worker.emplace(std::move(memory), folder.path(), clock, reporter, log_max, message_max);
    check();
  }
  void check() {
    worker->inlet->check_invariants();
    for (const auto& d : worker->deliveries) d->check_invariants();
  }

  Fd writer_;
};

}  // namespace test
