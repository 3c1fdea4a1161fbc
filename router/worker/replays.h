// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/limits.h"
#include "base/reporter.h"
#include "deliver/letter_filter.h"
#include "deliver/letter_selection.h"
#include "state/persistent.h"
#include "worker/data.h"
#include "worker/delivery_table.h"
#include "worker/event_loop.h"
#include "worker/foundation.h"
#include "worker/handler_table.h"
#include "worker/replay.h"
#include "worker/replay_pace.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// The replay that a person has asked for: one at a time, of all letters that fit a filter when it
// begins. It is a Replay for each source and handler among them.
//
//   survey (which sources and handlers?) -> each of them: read, feed, pass -> compaction -> over
//
// The letters' thread reads, and removes, in pieces; the loop never waits for it but at the hub's
// end. What is asked for outlives the worker: the next one surveys what is left, and goes on. A
// letter whose handler does not get messages now (held, departed, none of that name) stays, and is
// counted with the reason.
//
// A stop of the hub, or a person, ends it: nothing more is fed, what nobody has is withdrawn, and
// what handlers have goes on.
class Replays {
 public:
  Replays(EventLoop& loop, Foundation& foundation, SourceTable& sources, HandlerTable& handlers,
          DeliveryTable& deliveries, Data& data, const Clock& clock, Reporter& reporter);

  // ---- the beginning of a worker
  // Those of an earlier worker are there again. All sources and handlers are.
  void make_again();
  void recover();

  // ---- what a person wants (worker/letter_commands.h). Throws Failure.
  // Returns its number. `interval`: between two messages; 0: as there is room.
  std::uint64_t begin(const deliver::LetterFilter& filter, Nanoseconds interval);
  void cancel();
  // "STATE DELIVERED REFUSED LEFT IN-HAND", and a line for each reason why some are left.
  std::string progress(std::string_view number) const;

  // ---- the loop
  void want() { wants_ = true; }
  bool has_work() const { return wants_; }
  // `feeds`: messages may come.
  void round(bool feeds);
  // The hub is stopping: what handlers have goes on, and nothing else.
  void begin_stop() { is_ending_ = true; }
  // Nothing is handled any more.
  void finish();
  void check_invariants() const;

 private:
  enum Stage : std::uint64_t { none, running, stopping, done, cancelled };
  // What outlives the worker.
  struct Record {
    std::uint64_t number;  // of the last replay, from 1
    std::uint64_t stage;
    std::uint64_t last_file;    // letters in closed files up to that are meant; 0: not known yet
    std::uint64_t interval_ns;  // between two messages
    std::uint64_t made;         // so many Replays were
    std::uint64_t filter_bytes;
    char filter[kControlRequestBytesMax];
  };
  // A piece of work for the letters' thread. What it brings is valid when it is done.
  struct Job {
    std::atomic<bool> is_done{false};
    std::optional<Failure> failure;
  };
  struct Reading : Job {
    explicit Reading(deliver::LetterSelection from) : selection(std::move(from)) {}
    deliver::LetterSelection selection;
    std::vector<Replay::Letter> letters;
  };
  struct Survey : Job {
    std::uint64_t last_file = 0;
    std::optional<deliver::LetterSelection> selection;
    std::map<std::pair<std::string, std::string>, std::uint64_t> found;
    bool is_over = false;
  };
  struct Removal : Job {
    std::vector<std::uint64_t> letters;
    std::vector<std::pair<Replay*, Replay::Passed>> passed;
  };
  // One Replay, and where it is with its letters.
  struct Part {
    Replay* replay;
    std::size_t handler;
    std::uint64_t unread;  // letters that the survey found and that were not read yet
    std::shared_ptr<Reading> reading;
    bool reads = false;  // its reading is with the thread
    std::vector<Replay::Letter> letters = {};
    std::size_t next = 0;       // of these
    bool is_read = false;       // there are no more
    std::string given_up = {};  // why; empty: it goes on
  };

  deliver::LetterFilter filter() const;
  Replay& make(std::size_t source, std::size_t handler, std::uint32_t slot);
  template <class Of, class Work>
  void post(const std::shared_ptr<Of>& job, Work work);

  // ---- letters
  void begin_survey();
  void continue_survey();
  void take_survey();
  void add_part(const std::string& source, const std::string& handler, std::uint64_t letters);
  std::string obstacle(const std::string& source, const std::string& handler) const;
  void read(Part& part);
  void take_reading(Part& part);
  void advance(Part& part, bool feeds);
  void give_up(Part& part, const std::string& why);
  void take_back(Part& part);
  bool feed(Part& part);
  void leave(const std::string& why, std::uint64_t letters);

  // ---- messages that are final
  void remove_passed();
  void end_if_over();
  void end(Stage how);

  std::uint64_t sum_of(std::uint64_t (Replay::*what)() const) const;
  std::uint64_t left() const;
  std::vector<Replay*> all() const;

  EventLoop& loop_;
  Foundation& foundation_;
  SourceTable& sources_;
  HandlerTable& handlers_;
  DeliveryTable& deliveries_;
  Data& data_;
  const Clock& clock_;
  Reporter& reporter_;
  state::Persistent<Record> record_;
  bool wants_ = true;
  bool is_ending_ = false;
  // Of this worker alone.
  bool is_begun_ = false;  // this worker is at the replay that is under way
  std::shared_ptr<Survey> survey_;
  std::vector<Part> parts_;
  std::shared_ptr<Removal> removal_;
  std::shared_ptr<Job> compaction_;
  std::optional<Nanoseconds> removal_retry_;
  std::map<std::string, std::uint64_t> left_;  // letters that stay, by the reason
  ReplayPace pace_;
};

}  // namespace standpipe::worker
