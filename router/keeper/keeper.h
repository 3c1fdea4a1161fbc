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
#include "keeper/loop_watch.h"
#include "keeper/program.h"
#include "keeper/requests.h"
#include "keeper/restart_policy.h"
#include "keeper/service_manager.h"
#include "keeper/shared_page.h"
#include "keeper/store.h"
#include "keeper/terminal.h"
#include "keeper/watchdog.h"
#include "keeper/wire.h"

namespace standpipe::keeper {

struct Options {
  std::vector<std::string> worker_arguments;  // the first is what ps shows
  std::vector<std::string>
      spill_arguments;  // a worker that only saves what waits, when no other worker can be had
  std::vector<std::string>
      dump_arguments;        // one that copies the memory as it is, when that cannot be had either
  std::string program = {};  // empty: the running one
  bool ignore_hangup = false;  // the end of the terminal it was started in does not end the hub
  Nanoseconds back_off = std::chrono::milliseconds(
      50);  // before the second restart without progress; then twice as long each, at most 40 times
  Nanoseconds stop_patience =
      std::chrono::seconds(5);  // with a worker that was asked to stop, and whose loop stands still
};

// A worker as its keeper sees it.
struct Worker {
  pid_t pid = 0;
  Fd socket;
  bool spills = false;  // it gets no requests, and has only so long
  Nanoseconds began{0};
  std::optional<Nanoseconds> ready = {};  // since when
  bool stopping = false;                  // it said so
  bool saving = false;                    // it said so, and answers nothing meanwhile
  bool tries = false;                     // a configuration: it has kept it as tried
  bool damaged = false;                   // it said that of the memory
  bool retires = false;                   // it said so
  std::optional<int> meant = {};          // it said that it ends, and with what
  Nanoseconds meant_at{0};
  bool stood_still = false;  // when it was to stop, so it was killed
  bool killed = false;       // by us
  bool silent = false;       // it closed its socket, or is dead
  std::optional<Nanoseconds> silent_since = {};
  std::optional<int> status;  // it is dead
};

// The parent of the worker. It keeps open what a worker's death would close, and starts the next
// worker with it. While there is no worker, writers see a full pipe at worst, never EPIPE. Its code
// changes rarely and touches nothing that could kill it: no YAML, no plugin, no payload, and only
// the first words of the memory. It owns its process: the signals, and the children as far as they
// are to be reaped. It ends only processes that a worker left (descendants.h).
//
// Workers live one after the other, each in four steps: start it, attend to it, gather (read the
// last messages it sent, end and reap the processes it left), judge its end (restart_policy.h). So
// a worker never meets its predecessor.
//
// What people and service managers ask for (a stop, reopening files) is sent to each worker until
// it answers: requests.h.
class Keeper {
 public:
  Keeper(Options options, const Clock& clock, Reporter& reporter);
  // Returns what the process shall end with. Throws Failure when the first worker cannot be
  // started.
  int run();

 private:
  using Verdict = RestartPolicy::Verdict;

  WorkerEnd live(const std::vector<std::string>& arguments, bool spills);
  // false: it gave up, and no worker has lived.
  bool start_at_last(const std::vector<std::string>& arguments, bool spills);
  void start(const std::vector<std::string>& arguments, bool spills);
  void begin_worker();
  void attend();
  void gather();
  Verdict judge(const WorkerEnd& end);
  void report_death(const WorkerEnd& end, Verdict verdict);
  // false: a stop was asked for meanwhile.
  bool back_off();
  int give_up(const std::string& why, const std::string& help, int status);
  std::string spill();
  void dump_memory();

  void wait(std::optional<Nanoseconds> until);
  std::optional<Nanoseconds> next_duty(Nanoseconds spill_end) const;
  void on_signal(Signals::Came came);
  void on_hangup();
  void want_stop();
  void send_wanted();
  bool reap();
  void end_orphans();

  void listen(std::size_t most);
  void on_message(Message& message);
  void keep(Message& message);
  void on_ready(const std::string& status);
  void on_end(const std::string& status);
  void on_succeeds();
  bool tries() const;
  void kill_worker();
  void watch_link();
  void watch_for_hangs();
  void watch_loop();
  void watch_for_life();
  void watch_stop();
  void watch_trial();
  bool stop_is_watched() const;
  bool nothing_is_begun() const;
  void kill_for_standing_still(Nanoseconds patience, const std::string& because);

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
  LoopWatch loop_watch_;
  std::optional<Worker> worker_;
  Requests requests_;
  RestartPolicy restarts_;
  ServiceManager manager_;
  bool stop_in_gap_ = false;  // while there was no worker
};

}  // namespace standpipe::keeper
