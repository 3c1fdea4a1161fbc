// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "deliver/child_setup.h"
#include "keeper/program.h"

namespace standpipe::deliver {

// The hidden command of a handler's child, and the descriptors that it inherits, in this order, as
// numbers with commas between.
inline constexpr auto kChildCommand = "handler-process";
struct ChildDescriptors {
  int calls, services, setup, memory, page;
  std::string text() const;
  static std::optional<ChildDescriptors> parse(const std::string& text);
  std::array<int, 5> all() const { return {calls, services, setup, memory, page}; }
};

// A handler's child, as the worker has it: the program again, by exec, with the memory of messages
// open for reading only. It ends with this object, and with it all of its process group, which is
// what its plugin has started.
//
// The kernel kills it when the thread that made this object ends, so the child does not outlive a
// worker that is killed.
class ChildProcess {
 public:
  // `memory`: the hub's, `page`: the call's; both are borrowed. Throws Failure.
  ChildProcess(const keeper::Program& program, const ChildSetup& setup, int memory, int page);
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
  void start(const keeper::Program& program, const ChildSetup& setup, int memory, int page);
  Fd calls_, services_;
  pid_t pid_ = 0;
  Fd process_;
};

}  // namespace standpipe::deliver
