// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/reporter.h"
#include "base/signals.h"
#include "keeper/descendants.h"
#include "keeper/hang_watch.h"
#include "keeper/program.h"
#include "keeper/requests.h"
#include "keeper/shared_page.h"
#include "keeper/store.h"
#include "keeper/terminal.h"
#include "keeper/watchdog.h"
#include "keeper/wire.h"

namespace standpipe::keeper {

struct Options {
  std::vector<std::string> worker_arguments;   // the first is what ps shows
  std::vector<std::string> spill_arguments;    // a worker that only saves what waits, when no other worker can be had
  std::vector<std::string> salvage_arguments;  // one that copies the memory as it is, when that cannot be had either
  std::string program = {};                    // empty: the running one
  bool ignore_hangup = false;                  // the end of the terminal it was started in does not end the hub
  Nanoseconds back_off =
      std::chrono::milliseconds(50);  // before the second restart in vain; then twice as long each, at most 40 times
  Nanoseconds stop_patience = std::chrono::seconds(5);  // with a worker that was asked to stop, and whose loop stands still
};

// A worker as its keeper sees it.
struct Worker {
  pid_t pid = 0;
  Fd socket;
  bool spills = false;  // it is told nothing, and has only so long
  Nanoseconds began{0};
  std::vector<std::uint64_t> left_over = {};  // calls that an earlier one's loop waited for (Watch::on_loop)
  std::optional<Nanoseconds> ready = {};      // since when
  bool stopping = false;                      // it said so
  bool saving = false;                        // it said so, and answers nothing meanwhile
  bool damaged = false;                       // it said that of the memory
  std::optional<int> meant = {};              // it said that it ends, and with what
  Nanoseconds meant_at{0};
  bool stood_still = false;  // when it was to stop, so it was killed
  bool killed = false;       // by us
  bool silent = false;       // it closed its socket, or is dead
  std::optional<Nanoseconds> silent_since = {};
  std::optional<int> status;  // it is dead
};

// The parent of the worker: keeps open what the worker would lose by dying, and starts the next one with it. While there is none,
// writers see a full pipe at worst, never EPIPE. It changes rarely and touches nothing that could kill it: no YAML, no plugin, no
// payload; of the memory only the first numbers. It owns its process: its signals, and its children as far as they are to
// be reaped; it ends those alone that a worker left (descendants.h).
//
// A worker's life is an epoch, one after the other: start, attend, then gather (what it said last is read, whoever it leaves behind
// is ended and reaped), judge. So a worker never meets one before it.
//
//   an end is meant     the worker said so over its socket, before any was ready or after all was saved: what it said is passed on
//   an end is a death   anything else, whatever the status: another worker, later each time no progress was made; kDeathsInVainMax
//                       of these are the end, what waits is spilled
//
// What people and service managers want (a stop, files to be opened anew) is told to each worker until it answers: requests.h.
class Keeper {
 public:
  static constexpr int kDeathsInVainMax = 10;
  // A worker that served so long is no attempt in vain, though it had nothing to do.
  static constexpr Nanoseconds kServedLong = std::chrono::seconds(10);

  Keeper(Options options, const Clock& clock, Reporter& reporter);
  // Returns what the process shall end with. Throws Failure when the first worker cannot be started.
  int run();

 private:
  static constexpr auto kAlive = "WATCHDOG=1";
  struct End {
    std::optional<int> status;  // none: it could not even be started
    std::optional<int> meant;   // none: it is a death
    bool damaged = false;
    bool stopping = false;
    bool served_long = false;
    bool stood_still = false;
  };
  enum class Verdict { pass_on, again, in_vain, damaged, save };

  End live(const std::vector<std::string>& arguments, bool spills);
  void start(const std::vector<std::string>& arguments, bool spills);
  void attend();
  void gather();
  Verdict judge(const End& end);
  void count_death(const End& end);
  // false: a stop was asked for meanwhile.
  bool back_off();
  int give_up(const std::string& why, const std::string& help, int status);
  std::string spill();
  void salvage();

  void wait(std::optional<Nanoseconds> until);
  std::optional<Nanoseconds> next_duty(Nanoseconds spill_end) const;
  void on_signal(Signals::Came came);
  void on_hangup();
  void want_stop();
  void say_what_is_wanted();
  bool reap();
  void end_orphans();

  void listen(std::size_t most);
  void on_sentence(Sentence& sentence);
  void keep(Sentence& sentence);
  void on_ready(const std::string& status);
  void on_end(const std::string& status);
  void kill_worker();
  void watch_link();
  void watch_for_hangs();
  void watch_for_life();
  void watch_stop();
  bool stop_is_watched() const;
  bool nothing_is_begun() const;
  void kill_for_standing_still(Nanoseconds patience, const std::string& because);
  void notify(const std::string& state);

  Options options_;
  const Clock& clock_;
  Reporter& reporter_;
  WorkersMark mark_;  // what they start has it, too
  Program program_;
  Terminal terminal_;  // before signals_, which ignores none
  Signals signals_{SIGCHLD};
  Watchdog watchdog_;
  Watchdog stop_watch_;  // of a worker that was told to stop
  Store store_;
  std::optional<SharedPage> page_;
  HangWatch hang_watch_;
  std::optional<Worker> worker_;
  Requests requests_;
  bool stop_in_gap_ = false;  // while there was no worker
  bool notified_stop_ = false;
  bool notify_failed_ = false;  // said once
  bool ever_ready_ = false;
  unsigned workers_ = 0;
  int deaths_in_vain_ = 0;
  std::uint64_t progress_ = 0;  // at the last death
};

}  // namespace standpipe::keeper
