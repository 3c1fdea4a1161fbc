// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/limits.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/delivery.h"
#include "deliver/output_fifo.h"
#include "deliver/writer_lock.h"
#include "keeper/link.h"
#include "log/row.h"

namespace standpipe::deliver {

// Moves whole messages of one or more deliveries to one FIFO, in turn, exactly once.
//
// What was asked for waits in `sendings`, in order; together they are a stream of bytes. Three marks run along it:
//
//   0 = begin of the first sending <= taken (by the reader) <= moved (into the FIFO) <= written (into the stage)
//
// The sendings, `taken` and `moved` outlive the worker; what is in the stage is thrown away after a death and written again, for
// the logs still have it. So only the move from the stage to the FIFO is a step whose count must be found: it is what the stage has
// lost.
//
// A sending is final when `taken` has passed it; until then the log holds its messages. So the deque is the journal that says which
// frame a byte belongs to. When the reader dies, the marks go back to the beginning of the frame that `taken` is in, what it left
// in the pipe is drained, and the next reader starts on a whole frame (`resend`). A second reader that opens before this one was
// seen to go cannot be helped.
//
// Nothing in the kernel announces a reader, or one that takes from a pipe that is not full: those are looked for on a timer that
// backs off, and only while something waits.
class Output {
 public:
  // What it needs of the hub.
  struct Around {
    Reporter& reporter;
    std::function<void(Delivery&)> on_settled;            // messages of it became final
    std::function<Delivery&(std::uint32_t id)> delivery;  // all that may send
    std::size_t stage_bytes = 0;
    std::size_t fifo_bytes = 0;
  };
  // Any thread. Throws Failure when the FIFO cannot be made.
  enum class Made { now, before };  // before: an earlier worker saw to the FIFO, and attach will find it open
  Output(const plugin::FifoOutputRequest& request, Around around, Made made = Made::now);
  // What all outputs of an earlier worker were asked for, by their index.
  static std::vector<plugin::FifoOutputRequest> kept(const log::Memory& memory);
  // Begins to keep itself, or takes up what an earlier worker left: on the loop, before anything else. `index`: its number.
  void attach(log::Memory& memory, keeper::Link& link, std::uint32_t index);
  std::uint32_t index() const { return index_; }

  const std::string& path() const { return fifo_.path(); }
  FileId id() const { return fifo_.id(); }
  bool created() const { return fifo_.created(); }
  int fd() const { return fifo_.fd(); }  // -1 while nobody reads it

  // ---- for handlers
  bool accepts() const {
    return sendings().size() < kJournalEntries && sendings().size() + (expects_ + 1) * kBatchMessages <= Sendings::kMax;
  }
  // A batch is with a plugin, and may come back as sendings.
  void expect() { ++expects_; }
  void expected() { --expects_; }
  // The range is open in the delivery; `bytes` is its length on the wire.
  void send(Delivery& delivery, const Range& range, std::uint64_t bytes);

  // ---- for a relay
  // The next `most` bytes of the delivery's log lie in `from`, and are not in the log yet. If they are what the stage goes on with,
  // they are laid there by reference, and will not be copied when they are asked for. `from` keeps them all.
  void lay_ahead(const Delivery& delivery, const Pipe& from, std::size_t most);
  // Everything that the delivery's log has was asked for, and is in the stage or beyond.
  bool is_all_written(const Delivery& delivery) const;
  // The last that was asked for is that delivery's.
  bool is_busy_with(const Delivery& delivery) const { return !sendings().empty() && sendings().back().delivery == delivery.id(); }
  std::uint64_t relayed() const { return journal_->record->relayed; }  // bytes that were laid so and asked for
  bool is_flowing() const { return state_ == State::flowing; }
  // Or may: then whole frames go there, by copies of our own.
  bool others_write() const;
  std::size_t stage_bytes() const { return fifo_.stage_bytes(); }
  std::size_t stage_room() const { return fifo_.room(); }
  // What was laid is not to be sent like that: it is copied after all.
  void forget_ahead();

  // ---- for the loop
  // Moves what can be moved now. Returns true when it stopped for fairness and wants another turn.
  bool pump(Nanoseconds now);
  // epoll said something about fd().
  void on_event(std::uint32_t events, Nanoseconds now);
  // Looks what the reader has taken; books it.
  void look();
  // When to call pump though nothing happens; empty: no need.
  std::optional<Nanoseconds> wake_at() const { return wake_at_; }
  // A log is full and waits for what this output holds: look more often.
  void hurry(Nanoseconds now);
  bool idle() const { return sendings().empty(); }
  std::size_t pending() const { return sendings().size(); }
  // Everything that was asked for lies in the pipe of a reader that is alive.
  bool all_moved() const;
  // Looks for what nobody announces: a reader that waits for somebody to open its FIFO, and whether the FIFO still has its path.
  // Returns when to look again.
  Nanoseconds visit(Nanoseconds now);
  // Counts up whenever fd() is another one: time to register it with epoll.
  unsigned openings() const { return openings_; }

  // The hub ends soon: no message is begun any more; one that lies in the FIFO in part is still to be pumped.
  void finish_frame();
  // The hub ends, and nothing is pumped any more: whole messages in a live reader's pipe count as delivered.
  void stop();

 private:
  // How soon to look for a reader that takes from a pipe that is not full, at first and at most.
  static constexpr Nanoseconds kLookFirst = std::chrono::milliseconds(1);
  static constexpr Nanoseconds kLookLast = std::chrono::seconds(1);

  // How soon to visit it again, at first and at most.
  static constexpr Nanoseconds kVisitFirst = std::chrono::seconds(1);
  static constexpr Nanoseconds kVisitLast = std::chrono::seconds(5);

  enum class State { unopened, flowing, no_reader };
  struct Sending {
    std::uint32_t delivery;
    Range range;
    std::uint64_t bytes;
  };
  using Sendings = log::Row<Sending>;
  // What the present reader took last, a FIFO's worth: if it dies, nobody knows what became of that.
  struct Taken {
    std::uint32_t delivery;
    std::uint64_t first, last;  // sequences
    std::uint64_t count;
    std::uint64_t bytes;
  };
  using LastTaken = log::Row<Taken>;
  // What outlives the worker.
  struct Record {
    std::uint64_t taken, moved;  // bytes since the first sending's begin
    std::uint32_t mode, create, resend;
    std::uint32_t draining;  // what a dead reader left is being taken back: `taken` is final
    std::uint64_t relayed;   // bytes, ever
    std::uint32_t trust;     // as the request had it
    std::uint32_t shared;    // others were seen to write there
  };
  struct Journal {
    log::Kept<Record> record;
    Sendings sendings;
    LastTaken last_taken;
  };
  // Where in the sendings the next byte for the stage stands.
  struct Place {
    std::size_t sending = 0;
    log::Cursor at = {};     // a frame's beginning in the sending's log
    std::uint64_t skip = 0;  // bytes behind it
  };

  // What is to be staged together, and where it ends.
  struct Whole {
    std::uint64_t bytes = 0;
    Place end = {};
  };

  // Where in a log that begins which lies ahead in the stage.
  struct Ahead {
    const log::Log* log = nullptr;
    log::Position at = {};
    std::uint64_t drops = 0;
  };

  const Sendings& sendings() const { return journal_->sendings; }
  Sendings& sendings() { return journal_->sendings; }
  Delivery& delivery_of(const Sending& s) const { return around_.delivery(s.delivery); }
  std::uint64_t taken() const { return journal_->record->taken; }
  std::uint64_t moved() const { return journal_->record->moved; }
  std::string kept_name(const char* what) const;
  void keep_open(const char* what, int fd);
  void take_up();
  void believe();
  OutputFifo::Pushed push();
  void commit() { memory_->commit(); }
  bool ready_to_write();
  void try_open();
  void look_for_name();
  std::size_t fill_stage();
  std::size_t claim_ahead();
  void gather(std::vector<iovec>& pieces, std::vector<Place>& places, std::uint64_t most) const;
  bool has_more_to_move() const;
  void note_others();
  bool may_write(Nanoseconds now);
  void end_turn(Nanoseconds now);
  void end_turn_of_reader();
  Whole next_whole() const;
  bool add_frames(Whole& whole, const Place& begin, std::span<const std::byte> bytes) const;
  std::size_t stage_whole();
  bool move(Nanoseconds now);
  template <class Take>
  void each_piece(Place& place, Take take) const;
  std::span<const std::byte> next_bytes(Place& place, Place& begin) const;
  void finish_front(std::uint64_t up_to);
  void finish(Delivery& delivery, const Range& part);
  void remember_taken(const Delivery& delivery, const Range& part);
  void count_unacknowledged();
  void reader_died();
  void take_back_rest();
  void leave_in_pipe();
  void fail(const Failure& failure);
  void rewind(std::uint64_t taken);
  log::Cursor frame_end(const Sending& s, log::Cursor begin) const;
  bool left_by_reader_is_ours(std::span<const std::byte> left) const;
  Place place_of(std::uint64_t offset) const;
  void reset_marks();
  void drop_stage();
  void end_behind_frame();
  void give_back_from(std::size_t first);
  void wait_more(Nanoseconds now, Nanoseconds most);

  OutputFifo fifo_;
  WriterLock lock_;
  bool moves_at_once_ = false;  // what is in the stage: whole frames in one page
  bool ends_frame_ = false;     // the frame that was begun is finished, and others may have the lock
  // What was in the FIFO when that was looked at last, and what was pushed since.
  std::uint64_t seen_waiting_ = 0, pushed_since_ = 0;
  Around around_;
  plugin::FifoOutputRequest request_;
  log::Memory* memory_ = nullptr;
  keeper::Link* link_ = nullptr;
  std::uint32_t index_ = 0;
  std::optional<Journal> journal_;
  std::size_t expects_ = 0;
  State state_ = State::unopened;
  unsigned openings_ = 0;
  Place writing_;
  Ahead ahead_;
  std::uint64_t claimed_ = 0;  // of `relayed`, not booked yet
  std::uint64_t written_ = 0;  // bytes since the first sending's begin
  std::uint64_t last_taken_bytes_ = 0;
  Throttle deaths_;
  Nanoseconds now_{0};   // as the loop said last
  bool failed_ = false;  // said that it cannot be opened
  bool missing_reader_said_ = false;
  bool hurried_ = false;  // a full log waits for what the reader takes
  Nanoseconds pause_{0};
  Nanoseconds visit_pause_ = kVisitFirst / 2;
  std::optional<Nanoseconds> wake_at_;
  std::vector<iovec> pieces_;
  std::vector<Place> places_;
};

}  // namespace standpipe::deliver
