// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/reminder.h"
#include "base/throttle.h"
#include "deliver/batch.h"
#include "deliver/handler_needs.h"
#include "deliver/options.h"

namespace standpipe::deliver {

// Settles messages on which one handler has failed for good: they are dead-lettered where dead
// letters are kept, and dropped and counted elsewhere. People are told, but not of each message.
//
// Letters are with the kernel before their messages are counted as dead-lettered. A message whose
// letter cannot be written is not dropped: it is redelivered and fails again until there is room.
class DeadLettering {
 public:
  DeadLettering(const HandlerOptions& options, const HandlerNeeds& needs);
  // Waits for letters that are being written.
  ~DeadLettering();
  DeadLettering(const DeadLettering&) = delete;
  DeadLettering& operator=(const DeadLettering&) = delete;

  bool keeps() const { return options_.dead_letter && needs_.dead_letters.is_open(); }
  // What was a dead letter is not dropped, whatever the configuration says now.
  bool keeps(const Delivery& delivery) const {
    return keeps() || (delivery.is_replay() && needs_.dead_letters.is_open());
  }

  // ---- all messages of a batch that have failed: first their letters, in one write, then each run
  // of them.
  struct Failed {
    std::uint32_t first, last;  // messages first .. last - 1 of the batch
    Reason reason;
    std::string detail;
  };
  // Nothing is written where none are kept. false: they could not be kept.
  bool write(const Batch& batch, std::span<const Failed> runs, Nanoseconds now);
  // The same without waiting: `told` is called when they are written, in another thread, and
  // `written` is called then, on the loop. false: nothing is to be waited for.
  bool post(const Batch& batch, std::span<const Failed> runs, Nanoseconds now,
            std::function<void()> told);
  bool are_written() const { return job_->is_written; }
  void written(const Batch& batch, Nanoseconds now);
  // Counts them and says so; the caller commits. What could not be kept is redelivered instead.
  // false: they are not settled but redelivered, because their letters could not be kept.
  bool settle_failed(Batch& batch, const Failed& run, Nanoseconds now);

  // ---- whether they can be kept
  struct Trouble {
    std::string why;
    Nanoseconds since;
  };
  // What fails for good waits for the disk, and holds back what is behind it, since then. nullopt:
  // it does not, as far as is known: nothing was to be kept since, or for some time.
  std::optional<Trouble> trouble(Nanoseconds now) const;

  // ---- the only message of the batch, because its plugin died of it
  std::optional<Failure> write_killer(const Batch& batch, Reason reason, std::string_view text,
                                      std::uint16_t deaths);
  void settle_killer(Batch& batch, Reason reason, const std::string& text, std::uint16_t deaths);

 private:
  DeadLetter letter(const Batch& batch, std::uint32_t i, Reason reason, std::string_view detail,
                    std::uint32_t attempts) const;
  bool has_none_to_write(const Batch& batch, std::span<const Failed> runs);
  void fill(const Batch& batch, std::span<const Failed> runs);
  void say(const Batch& batch, const Failed& run, Nanoseconds now);

  const HandlerOptions& options_;
  const HandlerNeeds& needs_;
  std::shared_ptr<LetterJob> job_;  // the last batch's; none: there was none
  bool failed_ = false;             // letters of the batch that is settled could not be kept
  std::optional<Trouble> trouble_;
  const Delivery* troubled_ = nullptr;  // the last one whose letters could not be kept
  Nanoseconds trouble_until_{0};        // unless they are tried again, and fail, by then
  Throttle reports_;
  Reminder reminder_;
};

}  // namespace standpipe::deliver
