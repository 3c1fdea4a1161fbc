// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "deliver/batch.h"
#include "deliver/blame.h"
#include "deliver/call.h"
#include "deliver/culprit.h"
#include "deliver/handler_needs.h"
#include "deliver/lifecycle.h"
#include "deliver/options.h"
#include "deliver/plugin_host.h"
#include "deliver/settlement.h"

namespace standpipe::deliver {

// Recovers the call in which the last worker died, or a child of this one: settles what the plugin
// had answered, and finds out which message killed the worker, if one did. Suspect messages are
// redelivered in halves down to a single one, which is dead-lettered at its third death. A plugin
// that dies outside of messages, or on many messages in a row, is held.
//
// It only changes the persistent state; the loop commits all of it at once, so a worker that dies
// meanwhile leaves all of it to the next.
class CallRecovery {
 public:
  // All of one handler. `batch` is used for the messages of the call.
  struct Parts {
    const HandlerOptions& options;
    const HandlerNeeds& needs;
    Call& call;
    Blame& blame;
    PluginHost& host;
    Settlement& settlement;
    Lifecycle& lifecycle;
    Batch& batch;
    std::span<const std::unique_ptr<Delivery>> deliveries;
    bool makes_messages = false;  // what it made of these is lost: it is to make them again
  };

  CallRecovery(const Parts& parts, const Death& death, Nanoseconds now)
      : p_(parts), death_(death), now_(now) {}
  void run();
  // The same of a call that is in progress, whose child has died: what the call has open is as it
  // was when it began.
  void run_of_child();

 private:
  void recover_handle();
  void settle_handle();
  void recover_other();
  void end_streaks();
  Delivery& delivery_with(std::uint32_t id) const;
  void settle_answered();
  void settle_cut_off();
  void suspect(std::uint32_t first, std::uint32_t last);
  void redeliver(const Range& range, std::uint16_t deaths, Suspicion suspicion);
  void dead_letter(std::uint16_t deaths);
  void say(Verdict verdict, const std::string& where, const std::string& what);

  const Parts p_;
  const Death& death_;
  Nanoseconds now_;
};

}  // namespace standpipe::deliver
