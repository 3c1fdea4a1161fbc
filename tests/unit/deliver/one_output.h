// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/limits.h"
#include "deliver/delivery.h"
#include "deliver/fifo_kit.h"
#include "deliver/keeping.h"
#include "deliver/output.h"
#include "deliver/senders.h"
#include "keeper/link.h"
#include "log/arena.h"
#include "log/log.h"
#include "state/memory.h"
#include "temporary_folder.h"

namespace test {

// One log, one delivery, one output, and a keeper for one worker after the other. Verbs: send,
// end and begin (the next worker).
class OneOutput {
 public:
  using Request = std::function<deliver::OutputRequest(const TemporaryFolder&)>;
  OneOutput(Request request, std::size_t stage_bytes)
      : request_(std::move(request)), stage_bytes_(stage_bytes) {
    begin(deliver::Output::Made::now);
  }
  void send(const std::string& payload) {
    const auto frame = framed(payload);
    const auto range = append_and_give_out(*log, *delivery, frame);
    output->send(*delivery, range, frame.size());
    keeping->commit();
  }
  std::uint64_t delivered() const { return delivery->tally().delivered; }

  TemporaryFolder folder;
  Silent reporter;
  Senders senders{[this](auto) -> deliver::Delivery& { return *delivery; }};
  Keeping keeper;
  std::unique_ptr<state::Memory> keeping =
      std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB});
  std::optional<log::Arena> arena;
  std::optional<log::Log> log;
  std::optional<deliver::Delivery> delivery;
  std::optional<keeper::Link> link;
  std::optional<deliver::Output> output;

 protected:
  void begin(deliver::Output::Made made) {
    arena.emplace(*keeping);
    log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    delivery.emplace("in", "it", 0, *log, 0);
    link.emplace(keeper.start());
    output.emplace(request_(folder), senders.needs(reporter, stage_bytes_), made);
    output->attach(*keeping, *link, 0);
    arena->forget_unclaimed();
  }
  // The worker is dead: the next one has what the last commit left.
  void end() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(keeping->fd())));
    output.reset();
    link.reset();
    delivery.reset();
    log.reset();
    arena.reset();
    keeping = std::move(next);
  }

 private:
  Request request_;
  std::size_t stage_bytes_;
};

}  // namespace test
