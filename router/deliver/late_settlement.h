// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/reminder.h"
#include "deliver/batch.h"
#include "deliver/blame.h"
#include "deliver/call.h"
#include "deliver/delivery.h"
#include "deliver/handler_needs.h"
#include "deliver/late_outcomes.h"
#include "deliver/options.h"
#include "deliver/plugin_host.h"
#include "deliver/settlement.h"
#include "deliver/taken_messages.h"

namespace standpipe::deliver {

// Settles messages that a plugin has taken: by what it says of them later, or as failed when it
// says nothing for longer than the handler's timeout. Each run of messages of one outcome is one
// commit, so what is retried or dead-lettered meets with the same as if the call had said it.
//
// What an instance has taken ends with it: when it is closed, held or dead, and when a worker died,
// the rest is redelivered and counts no attempt.
//
// The loop's thread, but for what HostServices::settle brings.
class LateSettlement {
 public:
  // Runs that are settled in one go.
  static constexpr int kRunsATurn = 256;

  // `told`: letters were written, any thread. All must outlive it.
  LateSettlement(const HandlerOptions& options, const HandlerNeeds& needs, PluginHost& host,
                 Blame& blame, std::span<const std::unique_ptr<Delivery>> deliveries,
                 std::function<void()> told);
  // Those that were added since.
  void use(std::span<const std::unique_ptr<Delivery>> deliveries) { deliveries_ = deliveries; }

  TakenMessages& messages() { return taken_; }
  const TakenMessages& messages() const { return taken_; }

  // What became of those that were settled.
  struct Done {
    bool settled_some = false;  // for good
    bool has_more = false;
    bool wants_tick = false;  // the plugin asks for a call of it
    std::optional<Settlement::Retry> retry = {};
  };
  // Settles what the plugin has said, but of the call with that ticket, which has not come back; 0:
  // there is none. Commits.
  Done settle(Nanoseconds now, std::uint64_t in_call);
  // Letters are being written, and nothing else is settled until on_completed.
  bool waits_for_letters() const { return waits_for_letters_; }
  // When a message will have been taken for too long.
  std::optional<Nanoseconds> wake_at() const;

  // Claims what an earlier worker's plugin had taken. The caller commits.
  void recover();
  // All that is taken is redelivered. The caller commits. Not while letters are being written.
  void return_all(Nanoseconds now);
  // The same, as soon as letters are written: it is_ending() until then, and `end` is to be called
  // again. true: something was redelivered.
  bool end(Nanoseconds now);
  bool is_ending() const { return is_ending_; }

 private:
  Delivery& delivery_of(const TakenBatch& batch) const;
  void find_overdue(Nanoseconds now);
  bool settle_next(Nanoseconds now, Done& done);
  bool begin_letters(const LateOutcome& outcome, Nanoseconds now);
  void end_run(Nanoseconds now, Done& done);
  Outcomes outcomes(Nanoseconds now) { return {batch_, flight_, answer_, now}; }

  const HandlerOptions& options_;
  const HandlerNeeds& needs_;
  PluginHost& host_;
  Blame& blame_;
  std::span<const std::unique_ptr<Delivery>> deliveries_;
  std::function<void()> told_;
  TakenMessages taken_;
  Settlement settlement_;
  std::deque<LateOutcome> outcomes_;  // not settled yet
  Reminder refused_reminder_;

  // The run that has failed, as if its call came back only now.
  Batch batch_{kBatchMessages, SIZE_MAX};
  Flight flight_{};
  plugin::Answer answer_;
  struct Run {
    std::uint64_t ticket;
    std::uint32_t first, last;
  } run_{};
  bool waits_for_letters_ = false;
  bool is_ending_ = false;
};

}  // namespace standpipe::deliver
