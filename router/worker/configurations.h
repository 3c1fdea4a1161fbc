// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/parts.h"
#include "keeper/link.h"

namespace standpipe::worker {

// The configurations that a hub has, as texts that its keeper holds: the one in force, and during a
// reload the next one. What lies on the disk meanwhile does not matter: a worker that follows a
// dead one reads the text that was in force, and what was checked is what is loaded.
//
//   next      checked; whoever starts tries it
//   tried     a worker has begun with it. If another worker finds it, that one died before it was
//             ready, or said that it cannot: it goes back to what is in force.
//   in force  it was ready
//
// Each step is one message to the keeper, so a kill between any two finds one of these. The keeper
// knows no more of it than the names (keeper/wire.h).
//
// What is held: "text" (the configuration), "generation" (how many were in force before, and 1),
// "loaded_ns" (wall clock, when it was read), what it has (hub_names.h), and whatever a reload
// adds.
class Configurations {
 public:
  enum class Start {
    first,       // nothing is in force: it is to be read from the disk
    again,       // what is in force
    tries,       // what is next; `other` is what to go back to
    goes_back,   // what is in force; what was tried did not become ready
    is_through,  // what was tried was ready: by this worker, or its worker died before it said so
  };

  // `only_in_force`: this worker tries nothing; it is only to save what waits. Throws Failure when
  // what the keeper has makes no sense.
  explicit Configurations(keeper::Link& link, bool only_in_force = false);
  Start start() const { return start_; }
  // What this worker works with; empty at first.
  const Parts& mine() const { return mine_; }
  // While it tries another: what is in force. Else what was tried and did not become ready.
  const Parts& other() const { return other_; }

  // ---- changes; each returns when the keeper has it
  // The first worker has read it.
  void begin(Parts first);
  // The next worker tries it.
  void propose(const Parts& next);
  void withdraw();  // it does not, after all
  // What is tried cannot be had, and why: the next worker goes back.
  void fail(const std::string& why);
  // It is in force.
  void confirm();
  // The reload is over, and whoever asked can be told.
  void forget_reload();

  int in_force() const { return in_force_.get(); }  // its file
  // Why what was tried did not become ready, if its worker could say.
  const std::string& failure() const { return failure_; }

 private:
  std::optional<Parts> take(const char* name, Fd& file);

  keeper::Link& link_;
  Fd in_force_, next_, tried_, failed_;
  Start start_ = Start::first;
  Parts mine_, other_;
  std::string failure_;
};

}  // namespace standpipe::worker
