// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace standpipe::worker {

// What the next configuration does not have, by name.
struct LeavingNames {
  std::vector<std::string> sources, handlers;
};

// Who brings a hub another configuration (reload.h), as the hub's loop knows it. All are called on
// the loop.
class Reloading {
 public:
  // A person sent SIGHUP.
  virtual void want() = 0;
  // What it waits for has happened, or its time is over.
  virtual void on_event() = 0;
  virtual void on_timer() = 0;
  // All calls have come back, and the hub will give way now. Throws Failure: it does not, after
  // all.
  virtual void go() = 0;
  // The hub goes on with what it has, and why.
  virtual void stays(const std::string& why) = 0;

 protected:
  ~Reloading() = default;
};

}  // namespace standpipe::worker
