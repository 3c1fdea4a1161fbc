// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/reporter.h"
#include "deliver/handler_needs.h"
#include "deliver/output.h"
#include "keeper/link.h"
#include "state/directory.h"
#include "state/memory.h"
#include "worker/event_loop.h"
#include "worker/timers.h"

namespace standpipe::worker {

// All outputs of the hub, each FIFO once, whoever asked for it.
//
// They are opened by plugins, whose threads may come at any time; the loop adopts them when it
// comes round, and only from then on do they keep their state. So there are two lists: `opened_`
// is for any thread, under its mutex, and never looks into what the loop changes; `slots_` is the
// loop's own. An output has the same place in both.
class OutputTable final : public deliver::OutputOpener, public deliver::OpenOutputs {
 public:
  // Each output is visited for what nobody announces; one timer serves all of them.
  static constexpr Nanoseconds kVisitEach = std::chrono::seconds(1);

  // `on_open` is shown each output before a plugin has it. Any thread.
  using OnOpen = std::function<void(const deliver::Output&)>;
  OutputTable(EventLoop& loop, state::Memory& memory, state::Directory& directory,
              keeper::Link& link, const deliver::OutputNeeds& needs, OnOpen on_open);

  deliver::Output* open(const plugin::FifoOutputRequest& request, std::string& why) override;
  deliver::Output* open_file(const plugin::FileOutputRequest& request, std::string& why) override;

  // ---- the loop's
  deliver::Output& output(std::uint32_t slot) override;
  std::vector<deliver::Output*> all() const;
  void has_entries(deliver::Output& output) override { ready_.add(place_of_.at(&output)); }
  // Makes what earlier workers had.
  void recover();
  // Takes over what plugins have opened since.
  void adopt();

  void on_event(std::size_t place, std::uint32_t events);
  void want_turn(std::size_t place) { ready_.add(place); }
  bool has_work() const { return !ready_.empty(); }
  // Moves what can be moved. false: nobody wanted a turn.
  bool pump();
  // Visits the outputs that are due. One whose reader came may have something to send.
  void visit();
  // No handler has it any more (Output::end_by).
  void end_by(const deliver::Output& output, Nanoseconds when);
  // A full log waits for what its reader takes.
  void hurry(deliver::Output& output);

  bool has(const FileId& fifo) const;
  bool all_moved() const;
  // Stops the outputs that have nothing to move. true: nothing waits in any of them but where
  // `is_left` says that it may.
  bool drain(const std::function<bool(const deliver::Output&)>& is_left = {});
  void finish_frames();
  void stop();

 private:
  // An output as seen by those who may open another one.
  struct Opened {
    std::string path;
    FileId id;  // when it was opened
    bool resend;
    std::unique_ptr<deliver::Output> output;
  };
  // The same as the loop sees it.
  struct Slot {
    deliver::Output* output;
    unsigned watched = 0;  // the opening that epoll knows
    Nanoseconds visit_at{0};
  };

  void after_pump(std::size_t place);

  EventLoop& loop_;
  state::Memory& memory_;
  state::Directory& directory_;
  keeper::Link& link_;
  deliver::OutputNeeds needs_;
  OnOpen on_open_;

  std::mutex mutex_;
  std::vector<Opened> opened_;  // guarded by mutex_

  std::vector<Slot> slots_;
  std::map<const deliver::Output*, std::size_t> place_of_;
  std::map<std::uint32_t, deliver::Output*> by_slot_;  // of the memory's directory
  Ready ready_;
};

}  // namespace standpipe::worker
