// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include "common/wake.h"
#include "library.h"

namespace nats {

// What the library's thread has received, for the thread that polls: its descriptor is readable
// while there is something. Bounded by what was asked for.
class Arrivals {
 public:
  // Before anything else. Again: it stays as it is.
  void open() {
    if (!has_some_) has_some_.emplace();
  }
  int fd() const { return has_some_->fd(); }
  void add(Owned<natsMsg> message);
  // Makes the descriptor readable, though nothing came.
  void wake();
  // All of it; the descriptor is not readable any more.
  std::deque<Owned<natsMsg>> take_all();

 private:
  void signal();

  std::optional<common::Wake> has_some_;
  std::mutex mutex_;
  bool is_signalled_ = false;
  std::deque<Owned<natsMsg>> messages_;
};

}  // namespace nats
