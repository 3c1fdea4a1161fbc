// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "log/log.h"
#include "source/fifo_source.h"
#include "state/persistent.h"
#include "worker/poll_mode.h"
#include "worker/stage_hook.h"

namespace standpipe::worker {

// What one source's FIFO has brought, as a stream of bytes, and how they leave it.
//
//   take: FIFO -> stage, then one of   keep: stage -> log      discard: stage -> /dev/null
//
// Nobody can tell from outside how far these got, so they are one step (state/memory.h): `take`
// begins it, the other ends it, and the caller commits. `recover` ends the step of a dead worker.
class FifoStream {
 public:
  // What outlives the worker.
  struct State {
    std::uint64_t offset;   // bytes that came, ever
    std::uint64_t began;    // the offset when the last writers had gone
    std::uint64_t time_ns;  // when the last bytes came (wall)
    // The first bytes of a length that lie in no log, and how many: what the last hub left, or what
    // this one leaves to the next.
    std::uint32_t head;
    std::uint32_t head_bytes;
  };

  // `id`: which source of the hub. `kept`: the FIFO's read end as an earlier worker had it.
  FifoStream(const source::SourceOptions& options, std::size_t id, const source::Stage& stage,
             state::Memory& memory, state::Persistent<State> state, const Clock& clock,
             std::optional<Fd> kept);

  const std::string& name() const { return options_.name; }
  const source::SourceOptions& options() const { return options_; }
  source::FifoSource& fifo() { return fifo_; }
  const source::FifoSource& fifo() const { return fifo_; }
  const source::Stage& stage() const { return stage_; }
  // Reads that FIFO from now on. Returns the one that was read until now, still open.
  source::FifoSource follow(source::FifoSource fresh);

  // ---- a turn
  // Throws Failure for what is no condition of a FIFO; then there is no step.
  source::Accepted take(state::Step step, std::size_t most, StageHook* hook = nullptr);
  // Into the beginning of `room`, which is the log's.
  void keep(log::Log& log, std::span<std::byte> room, std::size_t bytes, StageHook* hook = nullptr);
  void discard(std::size_t bytes, StageHook* hook = nullptr);
  // What a dead worker was about here: it is kept. Returns how much of it was discarded, not
  // counted yet.
  std::size_t recover(log::Log& log);

  // ---- when a turn has seen all
  void on_event(std::uint32_t events);
  // Its writers have gone, and that is to be seen before others come.
  bool hung_up() const { return hung_up_; }
  // As if it had hung up: the next turns read until that is seen, or somebody is seen to write.
  void read_to_end() { hung_up_ = true; }
  void saw_end() { hung_up_ = false; }
  // What comes next is a new stream.
  void begin_anew();
  // Who tells when there is something, epoll or the clock. Its turns go by that, but for a stop,
  // which leaves nothing in the FIFO.
  PollMode& poll_mode() { return poll_mode_; }
  void drain(bool on) { drains_ = on; }

  // ---- the stream
  std::uint64_t offset() const { return state_->offset; }
  std::uint64_t time_ns() const { return state_->time_ns; }
  bool is_at_begin(std::uint64_t offset) const { return offset <= state_->began; }
  // "at offset 9 of /run/a: 64 00 ..": bytes that lie in the log after its end, for people.
  std::string place_of(std::span<const std::byte> incomplete) const;
  // The beginning of a length whose rest is still to come: between two hubs it lies in no log.
  // false: that many bytes are no beginning of a length.
  bool set_head(std::span<const std::byte> head);
  std::uint32_t head() const { return state_->head; }
  std::uint32_t head_bytes() const { return state_->head_bytes; }
  // false: the log has no room for it.
  bool put_head(log::Log& log);

 private:
  void filled(log::Log& log, std::size_t bytes);

  source::SourceOptions options_;
  std::size_t id_;
  source::Stage stage_;
  state::Memory& memory_;
  state::Persistent<State> state_;
  const Clock& clock_;
  source::FifoSource fifo_;
  PollMode poll_mode_;
  bool hung_up_ = false;
  bool drains_ = false;
};

}  // namespace standpipe::worker
