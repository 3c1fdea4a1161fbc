// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "deliver/child_setup.h"
#include "keeper/program.h"

namespace standpipe::deliver {

// The hidden command of a handler's child, and the descriptors that it inherits, in this order, as
// numbers with commas between. The last two may be -1: it makes no messages, or is not polled.
inline constexpr auto kChildCommand = "handler-process";
struct ChildDescriptors {
  int calls, services, setup, memory, page, made, wake;
  std::string text() const;
  static std::optional<ChildDescriptors> parse(const std::string& text);
  std::vector<int> all() const;  // that there are
};

// A handler's child, as the worker has it: the program again, by exec, with the memory of messages
// open for reading only. It ends with this object, and with it what its plugin has started: all of
// its process group at once, and then what has left that, as far as it is found
// (keeper/descendants.h).
//
// The kernel kills it when the thread that made this object ends, so the child does not outlive a
// worker that is killed.
class ChildProcess {
 public:
  // What it gets of the worker; borrowed.
  struct Lent {
    int memory;  // the hub's
    int page;    // the call's
    int made;    // where its plugin's messages go; -1: it makes none
    int wake;    // what ends a poll; -1: it is not polled
  };
  // Throws Failure.
  ChildProcess(const keeper::Program& program, const ChildSetup& setup, const Lent& lent);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  int calls() const { return calls_.get(); }
  int services() const { return services_.get(); }
  int process() const { return process_.get(); }  // a pidfd: readable when it has ended

  void kill() const;
  bool has_ended_within(Nanoseconds most) const;
  // Asks it to end, and gives it that long to destroy its plugin's instance. false: it was killed.
  bool end(Nanoseconds most);
  // Waits for its end. As from waitpid; nullopt: somebody else, a plugin, has waited for it.
  std::optional<int> reap();

 private:
  void start(const keeper::Program& program, const ChildSetup& setup, const Lent& lent);
  std::string variable_;  // in the environment of all that it starts
  Fd calls_, services_;
  pid_t pid_ = 0;
  Fd process_;
};

}  // namespace standpipe::deliver
