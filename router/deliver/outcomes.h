// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/call.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// What a plugin answered for a batch, made valid by plugin::Handler::mend: one outcome for each
// message before `at()`. For as long as it is settled.
class Outcomes {
 public:
  Outcomes(Batch& batch, const Flight& flight, const plugin::Answer& answer, Nanoseconds now);

  std::uint32_t at() const { return result_.at; }
  std::uint8_t of(std::uint32_t i) const { return outcomes_[i]; }
  std::uint32_t sent_to() const { return result_.output; }
  // Behind the last of the messages from `first` on, before `at()`, that have the same outcome and,
  // if they failed, the same reason of their own.
  std::uint32_t end_of_run(std::uint32_t first) const;
  // Whether any was rejected or is to be tried again.
  bool has_failed_ones() const { return has_failed_; }
  // Of messages that end before `last`: their own, if the plugin gave it (a note); or else that of
  // the batch, which is the last such message's.
  std::string reason_for(std::uint32_t last) const;
  bool said_well() const { return answer_.ok(); }

  Batch& batch;
  Nanoseconds now;

 private:
  bool has_reason(std::uint32_t i) const {
    return outcomes_[i] == STANDPIPE_REJECT || outcomes_[i] == STANDPIPE_RETRY;
  }
  void find_notes(const Flight& flight);
  std::string_view note_of(std::uint32_t i) const;  // empty: it has none

  const standpipe_result& result_;
  const standpipe_note* notes_;
  const std::uint8_t* outcomes_;
  const plugin::Answer& answer_;
  bool has_failed_ = false;
  std::uint32_t reason_of_ = 0;        // the batch's reason is that of the message before this one
  std::vector<std::uint8_t> numbers_;  // of messages' notes, from 1; empty: there are none
};

}  // namespace standpipe::deliver
