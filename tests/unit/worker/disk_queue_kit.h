// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "deliver/fifo_kit.h"
#include "log/meta_block.h"
#include "temporary_folder.h"
#include "worker/disk_queue.h"
#include "worker/fifo_sources.h"

// A queue on disk between a source's log and a handler, for the tests of its parts.
namespace test {

using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;

using Texts = std::vector<std::string>;

// A source's log, whose messages all go through one queue to one handler, worker after worker and
// run after run. Verbs: append, settle, take, crash (the worker dies), end and begin (a run).
class DiskQueueFixture {
 public:
  explicit DiskQueueFixture(const QueueOptions& options = on_disk(), bool is_overflow = false)
      : queue_options_(options), is_overflow_(is_overflow) {
    begin_run();
  }
  static QueueOptions on_disk() { return {.type = QueueOptions::Type::disk, .size_max = 64 * MiB}; }

  // false: the source's log is full.
  bool append(const std::string& payload) {
    const auto frame = framed(payload);
    const auto room = source_log->room(frame.size());
    if (room.size() < frame.size()) return false;
    std::memcpy(room.data(), frame.data(), frame.size());
    source_log->filled(frame.size());
    const std::uint64_t set = 1;
    REQUIRE(source_log->add_run(frame.size(), 1, ++time_, 1, {&set, 1}));
    ++queue->from().edit_tally().matched;
    memory->commit();
    check();
    return true;
  }
  void append_described(const std::string& payload, const std::string& value) {
    const auto frame = framed(payload);
    log::MetaBlockWriter block;
    REQUIRE(block.add("key", std::as_bytes(std::span(value))));
    block.end_message();
    const auto room = source_log->add_block(block.finish(), frame.size(), 1);
    REQUIRE(room.size() >= frame.size());
    std::memcpy(room.data(), frame.data(), frame.size());
    source_log->filled(frame.size());
    const std::uint64_t set = 1;
    REQUIRE(source_log->add_run(frame.size(), 1, ++time_, 1, {&set, 1}));
    ++queue->from().edit_tally().matched;
    memory->commit();
  }
  void append_all(int first, int last) {
    for (int i = first; i < last; ++i) {
      const auto text = std::to_string(i);
      if (append(text)) continue;
      settle();
      REQUIRE(append(text));
    }
  }
  // All that can be moved is in files, and all that has room came back from there.
  void settle(bool feeds = true) {
    for (int idle = 0, i = 0; idle < 5 && i < 10'000; ++i) {
      const auto step = queue->advance(feeds);
      check();
      auto lowest = queue->from().settled();
      if (lowest != source_log->trimmed()) source_log->trim(lowest);
      memory->commit();
      const bool waits = queue->is_writing();
      idle = step.more || step.moved || step.fed || waits ? 0 : idle + 1;
      if (waits) std::this_thread::sleep_for(1ms);
    }
  }
  // The handler takes so many of what waits in the queue's log.
  Texts take(std::size_t most = ~std::size_t{0}) { return take_of(*to, most); }
  Texts take_of(deliver::Delivery& of, std::size_t most) {
    Texts got;
    while (got.size() < most) {
      auto at = of.next();
      const auto piece = of.log().read(at, 0);
      if (!piece) break;
      const auto frame = unframed(
          std::string(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size()))[0];
      const deliver::Range one{
          piece->begin, {piece->begin.position + frame.size() + 4, piece->begin.sequence + 1}, 1};
      of.give_out(one);
      of.edit_tally().delivered += 1;
      of.finish(one);
      memory->commit();
      got.push_back(frame);
      check();
    }
    return got;
  }
  // The handler has the next one, and does not come back.
  deliver::Range hand_out() {
    auto at = to->next();
    const auto piece = queue->log().read(at, 0);
    REQUIRE(piece);
    const auto bytes = 4 + unframed(std::string(reinterpret_cast<const char*>(piece->bytes.data()),
                                                piece->bytes.size()))[0]
                               .size();
    const deliver::Range one{
        piece->begin, {piece->begin.position + bytes, piece->begin.sequence + 1}, 1};
    to->give_out(one);
    memory->commit();
    return one;
  }
  void finish(const deliver::Range& one) {
    to->edit_tally().delivered += one.count;
    to->finish(one);
    memory->commit();
  }
  Texts take_all() {
    Texts got;
    for (;;) {
      settle();
      const auto some = take();
      if (some.empty()) return got;
      got.insert(got.end(), some.begin(), some.end());
    }
  }
  static Texts numbers(int first, int last) {
    Texts all;
    for (int i = first; i < last; ++i) all.push_back(std::to_string(i));
    return all;
  }

  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    drop();
    memory = std::move(next);
    begin();
  }
  // The hub stops, and another starts.
  void stop_and_start() {
    queue->finish();
    check();
    kill_all();
  }
  // The hub and its memory are gone; another starts.
  void kill_all() {
    drop();
    begin_run();
  }
  void drop() {
    to.reset();
    queue.reset();
    from.reset();
    source_log.reset();
    writer.reset();
    arena.reset();
  }

  void check() const {
    queue->check_invariants();
    queue->from().check_invariants();
    to->check_invariants();
  }
  std::uint64_t matched() const { return queue->from().tally().matched + to->tally().matched; }
  std::uint64_t in_flight() const { return queue->from().in_flight() + to->in_flight(); }
  std::uint64_t dropped(Reason reason) const {
    const auto r = static_cast<std::size_t>(reason);
    return queue->from().tally().dropped[r] + to->tally().dropped[r];
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "queue/in/it", error))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  bool was_told(const std::string& text) const {
    return std::ranges::any_of(reporter.reported, [&](const auto& d) {
      return d.message.find(text) != std::string::npos;
    });
  }
  std::string file(const std::string& name) const { return folder / ("queue/in/it/" + name); }
  void change_byte(const std::string& name, std::uint64_t offset) const {
    std::fstream f(file(name), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(offset));
    f.put('\xff');
  }

  TemporaryFolder folder;
  SettableClock clock;
  Listening reporter;
  std::unique_ptr<state::Memory> memory;
  std::optional<log::Arena> arena;
  std::optional<worker::QueueWriter> writer;
  std::optional<log::Log> source_log;
  std::unique_ptr<deliver::Delivery> from;
  std::unique_ptr<worker::DiskQueue> queue;
  std::unique_ptr<deliver::Delivery> to;

 private:
  void begin_run() {
    memory = std::make_unique<state::Memory>(state::MemoryPlan{
        .memory_max = 16 * MiB, .logs = 1, .deliveries = 1, .handlers = 1, .queues = 1});
    begin();
  }
  void begin() {
    arena.emplace(*memory, log::ArenaBudget{16 * MiB, 2});
    writer.emplace([] {});
    source_log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    from = std::make_unique<deliver::Delivery>("in", "it", 0, *source_log, 0);
    queue = std::make_unique<worker::DiskQueue>(
        worker::DiskQueueOptions{.data_dir = folder.path(),
                                 .source = "in",
                                 .handler = "it",
                                 .queue = queue_options_,
                                 .slot = 0,
                                 .message_size_max = 1 * MiB,
                                 .is_overflow = is_overflow_},
        *from, worker::DiskQueueNeeds{*arena, *writer, clock, reporter, [this] {
                                        return queue ? queue->bytes_on_disk() : 0;
                                      }});
    to = queue->take_delivery();
    memory->commit();
    arena->forget_unclaimed();
    check();
  }

  QueueOptions queue_options_;
  bool is_overflow_;
  std::uint64_t time_ = 0;
};

// The same for a handler that has no queue, but is away now and then.
class OverflowFixture : public DiskQueueFixture {
 public:
  explicit OverflowFixture(std::uint64_t most = 64 * MiB)
      : DiskQueueFixture({.type = QueueOptions::Type::disk, .size_max = most}, true) {}
  void press() { queue->press("is away", "wait for it"); }
  // The handler is there, and takes all that it is given, wherever that comes from.
  Texts take_both() {
    queue->release();
    Texts got;
    for (;;) {
      settle();
      auto some = take();
      const auto direct = take_direct();
      some.insert(some.end(), direct.begin(), direct.end());
      if (some.empty()) return got;
      got.insert(got.end(), some.begin(), some.end());
    }
  }
  Texts take_direct(std::size_t most = ~std::size_t{0}) {
    return queue->is_armed() ? Texts() : take_of(*from, most);
  }
  std::size_t said(const std::string& part) const {
    std::size_t n = 0;
    for (const auto& d : reporter.reported) n += d.message.find(part) != std::string::npos;
    return n;
  }
};

}  // namespace test
