// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_stream.h"

#include <sys/epoll.h>

#include <cstring>
#include <utility>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::worker {

FifoStream::FifoStream(const source::SourceOptions& options, std::size_t id,
                       const source::Stage& stage, state::Memory& memory,
                       state::Persistent<State> state, const Clock& clock, std::optional<Fd> kept)
    : options_(options),
      id_(id),
      stage_(stage),
      memory_(memory),
      state_(state),
      clock_(clock),
      fifo_(options, std::move(kept)) {}

source::FifoSource FifoStream::follow(source::FifoSource fresh) {
  hung_up_ = true;  // what came before the descriptor is watched was reported to nobody
  return std::exchange(fifo_, std::move(fresh));
}

// ---- a turn

source::Accepted FifoStream::take(state::Step step, std::size_t most, StageHook* hook) {
  memory_.commit();
  memory_.begin(step, id_);
  const auto until = hung_up_                             ? source::Until::closed
                     : poll_mode_.is_polled() && !drains_ ? source::Until::gathered
                                                          : source::Until::empty;
  const auto got = fifo_.splice_to(stage_.pipe, most, until);
  if (got.error) {
    memory_.end();
    memory_.commit();
    throw Failure::system("read " + fifo_.path(), got.error);
  }
  if (got.bytes)
    memory_.moved(got.bytes);
  else
    hung_up_ = false;  // seen now, or a new writer is there and its leaving will be reported
  if (hook) hook->in_stage(got.bytes);
  return got;
}

void FifoStream::keep(log::Log& log, std::span<std::byte> room, std::size_t bytes,
                      StageHook* hook) {
  const bool whole = source::read_stage(stage_.pipe, room.first(bytes));
  if (hook) hook->out_of_stage(whole);
  filled(log, bytes);
}

void FifoStream::filled(log::Log& log, std::size_t bytes) {
  if (bytes) {
    log.filled(bytes);
    auto& state = state_.edit();
    state.offset += bytes;
    state.time_ns = static_cast<std::uint64_t>(clock_.wall().count());
  }
  memory_.end();
}

void FifoStream::discard(std::size_t bytes, StageHook* hook) {
  source::discard_stage(stage_.pipe, stage_.dev_null);
  if (hook) hook->out_of_stage(true);
  if (bytes) state_.edit().offset += bytes;
  memory_.end();
}

std::size_t FifoStream::recover(log::Log& log) {
  hung_up_ = true;  // whatever epoll said to a worker that is dead: look until it is seen
  const auto step = memory_.step();
  if (memory_.step_index() != id_ || (step != state::Step::accept && step != state::Step::discard))
    return 0;
  const auto in_stage = bytes_waiting(stage_.pipe.read_end.get());
  if (memory_.step_moved() == 0)
    memory_.moved(in_stage);  // before the first byte is read: the next death finds it
  const auto moved = memory_.step_moved();
  if (moved < in_stage)
    throw state::Memory::Damaged("there is more in the stage than was moved there");
  if (step == state::Step::discard) {
    discard(moved);
    return moved;
  }
  // The worker had read the first bytes of these already, to the same place.
  source::read_stage(stage_.pipe, log.same_room(moved).subspan(moved - in_stage));
  filled(log, moved);
  return 0;
}

// ---- when a turn has seen all

void FifoStream::on_event(std::uint32_t events) { hung_up_ |= (events & EPOLLHUP) != 0; }

void FifoStream::begin_anew() {
  hung_up_ = false;
  state_.edit().began = offset();
}

// ---- the stream

std::string FifoStream::place_of(std::span<const std::byte> incomplete) const {
  return "at offset " + thousands(offset() - incomplete.size()) + " of " + fifo_.path() + ": " +
         hex_excerpt(incomplete);
}

bool FifoStream::set_head(std::span<const std::byte> head) {
  if (head.size() >= sizeof state_->head) return false;
  auto& state = state_.edit();
  state.head_bytes = static_cast<std::uint32_t>(head.size());
  std::memcpy(&state.head, head.data(), head.size());
  return true;
}

bool FifoStream::put_head(log::Log& log) {
  if (head_bytes() == 0) return true;
  const auto room = log.room(0);
  if (room.size() < head_bytes()) return false;
  auto& state = state_.edit();
  std::memcpy(room.data(), &state.head, state.head_bytes);
  log.filled(state.head_bytes);
  state.offset += state.head_bytes;
  state.head_bytes = 0;
  return true;
}

}  // namespace standpipe::worker
