// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <mutex>

#include "common/fd.h"
#include "library.h"

namespace nats {

// What the library's thread has received, for the thread that polls: its descriptor is readable
// while there is something. Bounded by what was asked for.
class Arrivals {
 public:
  // Before anything else. Again: it stays as it is.
  void open();
  int fd() const { return fd_.get(); }
  void add(Owned<natsMsg> message);
  // Makes the descriptor readable, though nothing came.
  void wake();
  // All of it; the descriptor is not readable any more.
  std::deque<Owned<natsMsg>> take_all();

 private:
  void signal();

  common::Fd fd_;
  std::mutex mutex_;
  bool is_signalled_ = false;
  std::deque<Owned<natsMsg>> messages_;
};

}  // namespace nats
