// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "deliver/fifo_kit.h"
#include "deliver/send_queue.h"
#include "deliver/senders.h"
#include "log/arena.h"
#include "log/log.h"
#include "state/memory.h"

namespace test {

// One log, one delivery of it, one queue; no descriptor. Verbs: send, write, move, crash.
class OneQueue {
 public:
  OneQueue() { begin(); }
  void send(const std::string& payload) {
    const auto frame = framed(payload);
    const auto range = append_and_give_out(*log, *delivery, frame);
    queue->push(*delivery, range, frame.size());
    stream += frame;
    keeping->commit();
  }
  // Writes and moves all that is there to be written; `most` of it moves.
  void move(std::uint64_t most) {
    for (const auto& bytes : written()) stage += bytes;
    queue->move(most);
    keeping->commit();
  }
  // What is written next, in pieces.
  std::vector<std::string> written() {
    std::vector<iovec> pieces;
    std::vector<deliver::SendQueue::StreamPosition> places;
    queue->gather(pieces, places, 1 * MiB);
    std::vector<std::string> texts;
    std::uint64_t sum = 0;
    for (const auto& p : pieces) {
      texts.emplace_back(static_cast<const char*>(p.iov_base), p.iov_len);
      sum += p.iov_len;
    }
    queue->wrote(sum, places.back());
    return texts;
  }
  std::string rest() {
    std::string all;
    for (const auto& text : written()) all += text;
    return all;
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(keeping->fd())));
    queue.reset();
    delivery.reset();
    log.reset();
    arena.reset();
    keeping = std::move(next);
    begin();
    queue->recover();
    queue->validate();
    queue->write_again();
    arena->forget_unclaimed();
    delivery->check_invariants();
  }
  std::uint64_t delivered() const { return delivery->tally().delivered; }

  Senders senders{[this](auto) -> deliver::Delivery& { return *delivery; }};
  std::string stream, stage;
  std::vector<std::uint64_t> final;  // how many at once
  std::unique_ptr<state::Memory> keeping =
      std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB});
  std::optional<log::Arena> arena;
  std::optional<log::Log> log;
  std::optional<deliver::Delivery> delivery;
  std::optional<deliver::SendQueue> queue;

 private:
  void begin() {
    arena.emplace(*keeping);
    log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    delivery.emplace("in", "it", 0, *log, 0);
    queue.emplace(*keeping, "out", senders, senders,
                  [this](const auto&, const auto& part) { final.push_back(part.count); });
  }
};

}  // namespace test
