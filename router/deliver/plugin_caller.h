// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/batch_view.h"
#include "deliver/call.h"
#include "deliver/options.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// A call that a plugin is to be made.
struct CallRequest {
  CallKind kind = CallKind::none;
  const Batch* batch = nullptr;  // of a call of handle
  Nanoseconds deadline{0};       // of a call of close or flush: by then all should be flushed; of
                                 // one of tick: now
};

// Makes the calls of one plugin, in the plugin's place: the loop's thread or the plugin's own. It
// marks whose call the thread is in, and records in the flight how far the call is. While a call is
// in progress it touches nothing that the loop touches.
class PluginCaller {
 public:
  // `id`: the handler's number in the hub. All must outlive it.
  PluginCaller(const HandlerOptions& options, std::size_t id, plugin::HostServices& host,
               Flight& flight);

  void make(const CallRequest& request);
  // The same, of a batch that another process has filled.
  void make(CallKind kind, const BatchParts& batch, Nanoseconds deadline);
  // Of the last call that was made. Of a call of handle, its outcomes are in the flight.
  const plugin::Answer& answer() const { return answer_; }

 private:
  void open();
  void handle(const BatchParts& batch);
  void tick(Nanoseconds now);
  void flush(Nanoseconds deadline);
  void close(Nanoseconds deadline);

  const HandlerOptions& options_;
  std::size_t id_;
  plugin::HostServices& host_;
  Flight& flight_;
  BatchView view_;
  plugin::Answer answer_;
  plugin::Handler plugin_;  // last: it may still be closed when this is torn down
};

}  // namespace standpipe::deliver
