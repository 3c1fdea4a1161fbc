// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/reporter.h"
#include "control/server.h"
#include "keeper/link.h"

namespace standpipe::worker {

// The control socket on the loop, if there is one. Commands find the hub by the socket's file, so a
// file that a cleaner removed is made again.
class ControlWatch {
 public:
  ControlWatch(keeper::Link& link, Reporter& reporter) : link_(link), reporter_(reporter) {}

  void serve(control::Server& server) { server_ = &server; }
  void on_event() { server_->on_event(); }
  void restore_file();

 private:
  keeper::Link& link_;
  Reporter& reporter_;
  control::Server* server_ = nullptr;
  bool lost_reported_ = false;
};

}  // namespace standpipe::worker
