// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/reminder.h"
#include "deliver/blame.h"
#include "deliver/dead_lettering.h"
#include "deliver/handler_needs.h"
#include "deliver/options.h"
#include "deliver/outcomes.h"
#include "deliver/plugin_host.h"
#include "deliver/taken_messages.h"

namespace standpipe::deliver {

// Settles what a plugin answered for a batch: what is final moves its delivery's cursor and is
// counted, what is to be sent becomes entries of an output's queue, what failed is redelivered
// after a pause or dead-lettered, and what was not processed is redelivered. All of one batch is
// one commit, which the caller makes.
class Settlement {
 public:
  // Messages failed, or the plugin settles none again and again, and they are tried again, the last
  // of them at `due`.
  struct Retry {
    std::string reason;
    Nanoseconds due;
  };

  // All must outlive it. `taken`: where messages are kept that the plugin settles later; nullptr:
  // there are none.
  Settlement(const HandlerOptions& options, const HandlerNeeds& needs, PluginHost& host,
             Blame& blame, TakenMessages* taken = nullptr);

  // First of all, where messages failed for good: their letters are written, in another thread, and
  // `told` is called there when they are; then `settle` follows. false: it may follow at once.
  bool begin_letters(const Outcomes& outcomes, std::function<void()> told);
  bool letters_are_written() const { return dead_letters_.are_written(); }
  void letters_written(const Batch& batch, Nanoseconds now);  // or why they could not be
  // All of the batch. Returns what is tried again. `waits_for_room`: what was not handled is given
  // again as soon as there is room for what the plugin makes of it.
  std::optional<Retry> settle(const Outcomes& outcomes, bool waits_for_room = false);
  // The messages before outcomes.at(), and no others: the plugin died at that one.
  void settle_before_death(const Outcomes& outcomes);
  // To that output, by its number.
  void send(std::uint32_t to, Delivery& delivery, const Range& range, std::uint64_t bytes);
  DeadLettering& dead_letters() { return dead_letters_; }
  const DeadLettering& dead_letters() const { return dead_letters_; }
  // Of the batch that was settled last: message `i` is final, and not given anew.
  bool is_final(std::uint32_t i) const { return i < finals_.size() && finals_[i]; }

 private:
  using Failed = DeadLettering::Failed;

  void settle_told(const Outcomes& outcomes);
  void fail_for_good(const Outcomes& outcomes, const Failed& run);
  void settle_run(const Outcomes& outcomes, std::uint32_t first, std::uint32_t last);
  void retry(const Outcomes& outcomes, std::uint32_t first, std::uint32_t last);
  void report_retry(const Outcomes& outcomes, std::uint32_t count, Nanoseconds pause);
  void pause_idle(const Outcomes& outcomes, const Range& range);
  void redeliver_rest(const Outcomes& outcomes, std::uint32_t first, bool at_once);
  // The runs of messages that have failed for good.
  std::vector<Failed> failed_runs(const Outcomes& outcomes);
  // Messages of one outcome that have failed for good, and why; nothing: they have not.
  std::optional<Failed> failed(const Outcomes& outcomes, std::uint32_t first,
                               std::uint32_t last) const;
  bool is_exhausted(const Batch& batch) const;
  // Behind the last of the messages from `first` on that meet with the same.
  std::uint32_t end_of_run(const Outcomes& outcomes, std::uint32_t first) const;
  void find_expired(const Outcomes& outcomes);

  const HandlerOptions& options_;
  const HandlerNeeds& needs_;
  PluginHost& host_;
  Blame& blame_;
  TakenMessages* taken_;
  DeadLettering dead_letters_;
  std::vector<bool> finals_;   // by messages
  bool has_letters_ = false;   // of the batch that is settled next
  std::uint32_t expired_ = 0;  // messages at its beginning that are too old to be tried again
  std::optional<Retry> retry_;
  Reminder retry_reminder_, idle_reminder_;
  std::uint32_t idle_calls_ = 0;  // in a row, that settled nothing and said that all is well
};

}  // namespace standpipe::deliver
