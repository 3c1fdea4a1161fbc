// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/batch_view.h"
#include "deliver/call.h"
#include "deliver/made_messages.h"
#include "deliver/options.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// What a call is about, besides a batch: all of it can be handed to another process.
struct CallTerms {
  Nanoseconds deadline{0};  // of a call of close or flush: by then all should be flushed; of one
                            // of poll: it is to return; of one of tick: now
  MakeCredit credit = {};   // of handle, tick and poll; of poll: no messages, and it is not made
  std::uint64_t safe_until = 0;  // of poll: the source is told of it before
};

// A call that a plugin is to be made.
struct CallRequest {
  CallKind kind = CallKind::none;
  const Batch* batch = nullptr;  // of a call of handle
  CallTerms terms = {};
  std::string_view resume = {};  // of a call of open, of a source
};

// Makes the calls of one plugin, in the plugin's place: the loop's thread or the plugin's own. It
// marks whose call the thread is in, and records in the flight how far the call is. While a call is
// in progress it touches nothing that the loop touches.
class PluginCaller {
 public:
  // `id`: the handler's number in the hub. `made`: where messages go that it makes; nullptr: they
  // go nowhere. `wake_fd`: of a source, standpipe_credit.wake_fd. All must outlive it.
  PluginCaller(const HandlerOptions& options, std::size_t id, plugin::HostServices& host,
               Flight& flight, MadeRegion* made = nullptr, int wake_fd = -1);

  void make(const CallRequest& request);
  // The same, of a batch that another process has filled.
  void make(CallKind kind, const BatchParts& batch, const CallTerms& terms,
            std::string_view resume);
  // Of the last call that was made. Of a call of handle, its outcomes are in the flight.
  const plugin::Answer& answer() const { return answer_; }

 private:
  void open(std::string_view resume);
  void handle(const BatchParts& batch, const MakeCredit& credit);
  void tick(const CallTerms& terms);
  void poll(const CallTerms& terms);
  void begin_making(const MakeCredit& credit, const standpipe_batch* batch = nullptr);
  void end_making();
  void flush(Nanoseconds deadline);
  void close(Nanoseconds deadline);

  const HandlerOptions& options_;
  std::size_t id_;
  plugin::HostServices& host_;
  Flight& flight_;
  BatchView view_;
  MadeRegion* made_;
  std::optional<MessageMaker> maker_;
  int wake_fd_;
  std::uint64_t safe_until_ = 0;  // that the source was told
  plugin::Answer answer_;
  plugin::Handler plugin_;  // last: it may still be closed when this is torn down
};

}  // namespace standpipe::deliver
