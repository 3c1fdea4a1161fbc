// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "base/reporter.h"

namespace standpipe::keeper {

// The service manager that started the hub, if there is one, and what it was told (notify.h). To it
// the hub is one thing, whatever becomes of its workers: it is ready once, a reload that begins
// ends with READY, and it stops once. That it cannot be told is reported once.
class ServiceManager {
 public:
  ServiceManager(const Clock& clock, Reporter& reporter) : clock_(clock), reporter_(reporter) {}

  void ready(const std::string& status);
  void begin_reload();
  void end_reload();
  // `why`: where it stops by itself.
  void stopping(const std::string& why = {});
  bool knows_of_stop() const { return knows_of_stop_; }
  void status(const std::string& text);
  void alive();

 private:
  void notify(const std::string& state);

  const Clock& clock_;
  Reporter& reporter_;
  bool is_ready_ = false, reloads_ = false, knows_of_stop_ = false;
  bool failed_ = false;  // reported
};

}  // namespace standpipe::keeper
