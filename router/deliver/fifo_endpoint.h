// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deliver/endpoint.h"
#include "deliver/foreign_bytes.h"
#include "deliver/last_taken.h"
#include "deliver/lock_turn.h"
#include "deliver/output_fifo.h"
#include "deliver/prefetch.h"
#include "deliver/stage.h"
#include "state/persistent.h"

namespace standpipe::deliver {

// How large a pipe should be, bytes; 0: as the kernel makes it.
struct PipeSizes {
  std::size_t stage = 0;
  std::size_t fifo = 0;
};

// An output's FIFO: bytes go through a stage, a pipe of ours, into the FIFO, from which the reader
// takes them: log -> stage (a copy, or a relay's reference) -> FIFO (by reference).
//
// The move from the stage to the FIFO is a step whose count must be found after a death: it is what
// the stage has lost. When the reader dies, the marks go back to the beginning of the frame that
// `taken` is in, what the reader left in the pipe is taken back, and the next reader starts on a
// whole frame (`resend`). Nothing can be done about a second reader that opens the FIFO before the
// first is seen to be gone.
//
// Nothing in the kernel announces a reader, or one that takes from a pipe that is not full.
class FifoEndpoint final : public Endpoint {
 public:
  enum class Made {
    now,
    before
  };  // before: an earlier worker saw to the FIFO, and attach will find it open
  // Any thread. Throws Failure when the FIFO cannot be made.
  FifoEndpoint(const plugin::FifoOutputRequest& request, PipeSizes sizes, Made made);

  const std::string& path() const override { return fifo_.path(); }
  FileId id() const override { return fifo_.id(); }
  bool created() const override { return fifo_.created(); }
  // How what was there differs from what was asked for, or nothing.
  const std::string& differs() const { return fifo_.differs(); }
  void attach(const Context& context, bool recovered) override;

  int fd() const override { return fifo_.fd(); }
  unsigned openings() const override { return openings_; }
  bool is_open() const override { return state_ != State::unopened; }
  bool is_flowing() const override { return state_ == State::flowing; }
  bool has_peer() const override { return is_flowing() && fifo_.has_reader(); }
  bool has_failed() const override { return failed_; }
  bool make_ready(Nanoseconds now) override;
  Event on_event(std::uint32_t events) override;
  void peer_gone(Nanoseconds now) override;
  bool visit(Nanoseconds now) override;
  // There is nothing to send, and there will not be: the reader sees an end when it has taken all.
  void close();

  bool has_more_to_move() const override;
  bool begin_turn(Nanoseconds now) override;
  Nanoseconds retry_at() const override { return turn_.retry_at(); }
  std::uint64_t stage() override;
  Pushed push() override;
  std::optional<Nanoseconds> end_turn(Nanoseconds now) override;
  bool is_in_turn() const override { return turn_.is_held(); }
  void sample() override;
  void drop_stage() override;
  void fail(const Failure& failure) override;

  // These messages are final: the reader took them.
  void remember_taken(const Delivery& delivery, const Range& part);

  // ---- for a relay
  // The next `most` bytes of the delivery's log lie in `from`, and are not in the log yet. If they
  // are what the stage continues with, they are prefetched: put there by reference, and not copied
  // when they are asked for. `from` keeps them all.
  void prefetch(const Delivery& delivery, const Pipe& from, std::size_t most);
  // Drops what was prefetched; it is copied from the log after all.
  void drop_prefetched() { prefetch_.drop(queue()); }
  // Everything that the delivery's log has was asked for, and is in the stage or beyond.
  bool is_all_written(const Delivery& delivery) const;
  // The last that was asked for is that delivery's.
  bool is_busy_with(const Delivery& delivery) const;
  std::uint64_t relayed() const { return record().relayed; }  // bytes prefetched and sent
  // Or may: then whole frames go there, by copies of our own.
  bool others_write() const;
  std::size_t stage_bytes() const { return stage_.capacity(); }
  std::size_t stage_room() const { return stage_.room(); }

 private:
  using StreamPosition = SendQueue::StreamPosition;
  enum class State { unopened, flowing, no_reader };
  // What outlives the worker.
  struct FifoEndpointRecord {
    std::uint64_t relayed;     // bytes, ever
    std::uint32_t resend;      // as it was asked for, until others were seen to write there
    std::uint32_t reclaiming;  // what a dead reader left is being taken back: `taken` is final
    std::uint32_t shared;      // others were seen to write there
  };

  SendQueue& queue() const { return context_->queue; }
  Reporter& reporter() const { return context_->reporter; }
  const FifoEndpointRecord& record() const { return **record_; }
  FifoEndpointRecord& edit_record() { return record_->edit(); }
  void commit() { context_->memory.commit(); }
  std::string name_in_keeper(const char* what) const;
  void keep_open(const char* what, int fd);
  void recover();
  void adopt();
  void try_open();
  void check_name();
  std::uint64_t fill_stage();
  std::uint64_t stage_pieces();
  void note_others();
  void end_turn_of_reader();
  std::uint64_t stage_whole();
  void reclaim_rest();
  void leave_in_pipe();
  void count_unacknowledged();
  void report_foreign();

  OutputFifo fifo_;
  Stage stage_;
  LockTurn turn_;
  ForeignBytes foreign_;
  Prefetch prefetch_{stage_};
  bool resend_;
  std::optional<Context> context_;
  std::optional<state::Persistent<FifoEndpointRecord>> record_;
  std::optional<LastTaken> last_taken_;
  State state_ = State::unopened;
  unsigned openings_ = 0;
  bool failed_ = false;  // said that it cannot be opened
  Nanoseconds now_{0};   // as the loop said last
  std::vector<iovec> pieces_;
  std::vector<StreamPosition> places_;
};

}  // namespace standpipe::deliver
