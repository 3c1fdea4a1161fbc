// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/account.h"
#include "deliver/delivery.h"
#include "deliver/relay.h"
#include "frame/codec.h"
#include "log/log.h"
#include "match/matcher.h"
#include "source/fifo_source.h"
#include "source/gate.h"
#include "worker/moderation.h"
#include "worker/source_state.h"
#include "worker/spill_feed.h"
#include "worker/stop_notes.h"

namespace standpipe::worker {

constexpr std::uint32_t kConfiguration = 1;  // that matched a message: its generation; a reload will count up

// One source from its FIFO to its log: accept, find frames, match them, index them. What it delivers to is not its business; it
// knows the deliveries only to book what matched, and to trim behind the slowest.
class Inlet {
 public:
  enum class Turn {
    more,  // there may be more: give it another turn
    idle,  // nothing now; epoll will tell
    full,  // its log is full: wait for a trim, or for memory
  };

  Inlet(const source::FifoOptions& options, std::size_t id, log::Arena& arena, match::Matcher matcher, const Clock& clock,
        Reporter& reporter, bool warn_unmatched, std::optional<Fd> kept = {});
  // Ends what an earlier worker was about when it died, if it was this source.
  void take_up(const Pipe& stage, int dev_null);

  const std::string& name() const { return options_.name; }
  source::FifoSource& fifo() { return fifo_; }
  const source::FifoSource& fifo() const { return fifo_; }
  log::Log& log() { return log_; }
  const log::Log& log() const { return log_; }
  const match::Matcher& matcher() const { return matcher_; }
  const deliver::Intake& books() const { return kept_->books; }
  std::unique_ptr<deliver::Delivery> make_delivery(std::size_t bit, const std::string& handler, std::uint32_t id);
  const std::vector<deliver::Delivery*>& deliveries() const { return deliveries_; }
  // What an earlier run could not deliver comes before what the FIFO has. All deliveries are made.
  void serve(std::unique_ptr<SpillFeed> spills) { spills_ = std::move(spills); }
  SpillFeed* spills() { return spills_.get(); }  // none: there is no place for them
  bool is_spilled() const { return spills_ && spills_->spilled(); }

  void on_event(std::uint32_t events);
  // Who tells when to look, epoll or the clock; its turns go by that.
  Moderation& moderation() { return moderation_; }
  bool hung_up() const { return hung_up_; }  // its writers have gone, and that is to be seen before others come
  // One turn: at most what one segment has room for.
  Turn accept(const Pipe& stage, int dev_null);
  // What comes in the next turn may go on to that output by reference; none: not now.
  void relay(deliver::Relay* relay, deliver::Output* output) { relay_ = relay, relay_to_ = output; }
  // ---- its FIFO's name (inlet_fifo.cpp)
  // Looks whether writers can still reach the FIFO, and says when that changed. If not, a turn is due, to see whether it was read
  // to its end; writers that have it open are served until then.
  bool is_reachable();
  void look_for_end() { hung_up_ = true; }
  // It was: time to make it, or to open what is there now.
  bool wants_fifo() const { return wants_fifo_; }
  // Throws Failure, also what `admit` throws when it is shown the new one. Returns the one that was read until now, still open.
  source::FifoSource reopen(const std::function<void(const source::FifoSource&)>& admit = {});
  void cannot_reopen(const Failure& failure);  // said once
  SourceState state() const;

  // Bits of the deliveries for which frames came since this was last asked.
  void take_news(std::vector<std::size_t>& bits);
  // Gives back what all deliveries have passed. true: something was.
  bool trim();
  bool waits_for_arena() const { return log_.waits_for_arena(); }
  // Others wait for memory. Gives up a large frame of which nothing came for long (limits.h) though there was room; true:
  // it did.
  bool end_dribble();

  // A stream that stopped making sense is thrown away until all its writers have gone.
  bool draining() const { return kept_->discards; }
  // When people are to be told again, more seldom each time. Empty: it does not drain.
  std::optional<Nanoseconds> reminder_due() const;
  void remind();  // if that is due

  // ---- the end (inlet_stop.cpp)
  //   plan_to_close -> close_to_openings -> begin_stop -> cut_feed, read_on -> take_last -> open_to_openings
  // Keeps the FIFO's mode; the stop_note has it from now on.
  void plan_to_close();
  // Nobody new can open the FIFO; who has it open goes on. Does nothing where this hub may not do that.
  void close_to_openings();
  void open_to_openings();
  // Accept only what waits in the FIFO now, and the rest of the frame that it ends in.
  void begin_stop();
  bool stopped() const { return stopped_; }
  // What an earlier run left is fed no more: what comes from the FIFO from now on is younger than the rest of it.
  void cut_feed();
  // Accept whatever comes as long as its log has room: nothing is delivered any more, or it is the hub itself that writes to it.
  void read_on();
  // Accepts all that was written, whatever the limits of memory are (they are lifted), and seals the FIFO under this id: what a
  // writer was told to be written was accepted, and nothing can be written from now on. What is no whole frame by then is
  // abandoned; stop_note() has what its writer still owes. An earlier worker may have done a part of that.
  // `patience`: how long the end of a frame may take whose writer is at it.
  void take_last(const Pipe& stage, int dev_null, std::uint64_t seal, Nanoseconds patience);
  // false: it could not be sealed, so that more may have been written, to nobody.
  bool is_sealed() const { return kept_->sealed != 0; }
  StopNote stop_note() const;
  // Bytes that a spill of all that its log has would take, about.
  std::uint64_t spill_bytes() const;
  // A first worker: the last hub stopped and left this of the FIFO.
  void resume(const StopNote* note, const Pipe& stage, int dev_null);

  void check_invariants() const;

 private:
  // What outlives the worker.
  struct Record {
    deliver::Intake books;
    std::uint64_t time_ns;        // when the last bytes came (wall)
    std::uint64_t need;           // bytes that the unfinished frame will take; 0: not known
    std::uint64_t stream_offset;  // bytes read from the FIFO, ever
    std::uint64_t discarding;     // bytes thrown away since the stream stopped making sense
    std::uint64_t skip;           // bytes still to come of a frame that was given up
    std::uint32_t discards;       // the stream makes no sense until all writers have gone
    std::uint32_t refusal_said;
    std::uint64_t stream_began;       // the stream's offset when the last writers had gone
    std::uint64_t refused_ns;         // steady clock
    std::uint64_t discards_since_ns;  // the same moment, wall clock
    std::uint64_t reminders;          // that were said since

    // How far a stop is with the FIFO.
    std::uint64_t seal;      // the id of the page that closes it; 0: none yet
    std::uint64_t capacity;  // before that
    std::uint32_t sealed;
    std::uint32_t closed;      // to new openings
    std::uint32_t mode;        // before that
    std::uint32_t head;        // the first bytes of a length whose rest is still to come ...
    std::uint32_t head_bytes;  // ... and how many
  };

  Turn take_turn(const Pipe& stage, int dev_null);
  bool feeds() const { return spills_ && !spills_->ended(); }
  Turn feed();
  bool feed_run(std::span<std::byte> room);
  bool fits(const deliver::SpillReader::Message& message) const;
  void pass_over();
  source::Accepted take(log::Step step, const Pipe& stage, std::size_t most);
  void took(std::size_t bytes);
  void threw_away(std::size_t bytes);
  Turn discard(const Pipe& stage, int dev_null);
  Turn skip(const Pipe& stage, int dev_null);
  Turn stand_still();
  bool index();
  bool add(std::span<const frame::Frame> frames, std::span<const std::byte> bytes);
  bool add_runs(std::span<const frame::Frame> frames, std::span<const std::byte> bytes);
  bool add_run(std::size_t bytes, std::uint32_t count, bool wanted);
  void count_run(std::uint32_t count, std::size_t bytes, bool wanted);
  void book();
  void writers_left();
  void cut_short(std::uint64_t bytes);
  void refuse(std::uint64_t claimed);
  void say_refusal(std::uint64_t claimed, std::uint64_t left_out) const;
  void end_draining();
  std::string end_of_draining() const;
  void abandon_partial(bool rest_may_come);
  bool was_sealed(const Pipe& stage) const;
  bool read_to_seal(const Pipe& stage, int dev_null, std::uint64_t id, Nanoseconds patience);
  std::optional<source::Accepted> last_turn(const Pipe& stage, int dev_null, source::Seal* seal);
  source::Accepted last_discard(const Pipe& stage, int dev_null, source::Seal* seal);
  std::uint64_t allowed() const;
  std::uint64_t offset() const { return kept_->stream_offset - log_.partial_bytes(); }
  log::Memory& memory() const { return log_.keeping(); }

  source::FifoOptions options_;
  std::size_t id_;
  const Clock& clock_;
  Reporter& reporter_;
  source::FifoSource fifo_;
  std::unique_ptr<frame::Codec> codec_;
  match::Matcher matcher_;
  log::Log log_;
  std::vector<deliver::Delivery*> deliveries_;  // by bit
  deliver::Relay* relay_ = nullptr;
  deliver::Output* relay_to_ = nullptr;
  std::unique_ptr<SpillFeed> spills_;  // may be none
  log::Kept<Record> kept_;

  std::vector<std::uint64_t> set_, next_set_, news_;
  // What was indexed and is not in the books yet: they are opened once for many short runs.
  struct Found {
    std::uint64_t messages = 0, bytes = 0, matched = 0, unmatched_taken = 0, no_route = 0;
    std::vector<std::uint64_t> by_delivery;
  };
  Found found_;
  Nanoseconds came_{0};  // since when its writers have sent nothing, though there is room (steady)
  bool had_no_room_ = false;
  SourceState state_;
  bool wants_fifo_ = false;  // all of the one that it reads was read, and its path leads elsewhere
  bool hung_up_ = false;
  Moderation moderation_;
  bool warn_unmatched_;
  std::optional<std::uint64_t> allowance_;  // stopping: bytes that may still be accepted
  bool stopped_ = false;
  bool reads_on_ = false;
  Throttle trouble_, unmatched_trouble_;
};

}  // namespace standpipe::worker
