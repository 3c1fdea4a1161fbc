// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/made_messages.h"
#include "deliver/message_sink.h"
#include "deliver/outcomes.h"
#include "deliver/settlement.h"

namespace standpipe::deliver {

// The messages that one plugin makes, from its calls into its sink: what a handler emits, and what
// a source puts.
//
//   prepare -> (a call) -> take -> append, before the commit of what the call brought -> end
//
// Room for all that a call may make is kept before it begins. So what is made of a message goes on
// with that message's outcome, in one commit, and nothing waits in between. A death of whoever is
// in the call loses what it has made, and its messages are given anew: it is made once.
//
// The loop's thread.
class Making {
 public:
  // Throws Failure. `sink` and `reporter` must outlive it.
  // `is_shared`: the plugin has a process of its own.
  Making(MessageSink& sink, std::string name, bool is_shared, Reporter& reporter);

  MadeRegion& region() { return region_; }
  MessageSink& sink() { return sink_; }

  // false: there is no room for what the next call makes.
  bool prepare();
  const MakeCredit& credit() const { return credit_; }
  void cancel() {  // no call was made
    credit_ = {};
    sink_.call_is_over();
  }
  // A call has come back. Of a call of handle, `flight` is that of a batch of `count` messages: an
  // outcome that cannot go together with what was made is changed, and a place that wrote nonsense
  // has handled nothing.
  void take(Nanoseconds now);
  void take(Flight& flight, std::uint32_t count, Nanoseconds now);
  // The plugin was told that there is no room for what it makes of the first message.
  bool was_full() const { return wanted_ > 0; }

  // The caller commits. Of a batch that is settled: what is made of messages that are final now.
  void append(const Outcomes& outcomes, const Settlement& settlement);
  void append();
  // The call is over. Returns how many messages were appended.
  std::size_t end();

 private:
  bool read(Nanoseconds now);
  bool is_within_credit() const;
  void refuse_taken(Flight& flight, Nanoseconds now);

  MessageSink& sink_;
  std::string name_;
  Reporter& reporter_;
  bool is_shared_;
  MadeRegion region_;
  std::vector<std::byte> copy_;  // of what is shared
  MakeCredit credit_;
  std::uint64_t wanted_ = 0;  // bytes; 0: the last call had room for all
  std::vector<MadeMessage> messages_, finals_;
  std::optional<std::string> resume_;
  Throttle faults_;
};

}  // namespace standpipe::deliver
