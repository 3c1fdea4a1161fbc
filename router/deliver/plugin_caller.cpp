// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_caller.h"

#include "deliver/culprit.h"

namespace standpipe::deliver {

PluginCaller::PluginCaller(const HandlerOptions& options, std::size_t id,
                           plugin::HostServices& host, Flight& flight)
    : options_(options),
      id_(id),
      host_(host),
      flight_(flight),
      plugin_(*options.plugin, options.name, host) {}

void PluginCaller::make(const CallRequest& request) {
  const bool handles = request.kind == CallKind::handle;
  make(request.kind, handles ? request.batch->parts() : BatchParts{}, request.deadline);
}

void PluginCaller::make(CallKind kind, const BatchParts& batch, Nanoseconds deadline) {
  const CulpritMark mark(id_);
  answer_ = {};
  switch (kind) {
    case CallKind::none:
      break;
    case CallKind::create:
      flight_.enter(Phase::create);
      answer_ = plugin_.create(options_.values);
      break;
    case CallKind::open:
      open();
      break;
    case CallKind::handle:
      handle(batch);
      break;
    case CallKind::reopen:
      flight_.enter(Phase::reopen);
      host_.begin_call();
      answer_ = plugin_.reopen();
      host_.end_call();
      break;
    case CallKind::disconnect:
      flight_.enter(Phase::close);
      plugin_.close();
      break;
    case CallKind::close:
      close(deadline);
      break;
    case CallKind::flush:
      flush(deadline);
      break;
    case CallKind::tick:
      tick(deadline);
      break;
  }
  flight_.note_return();
}

void PluginCaller::open() {
  host_.begin_open();
  flight_.enter(Phase::open);
  answer_ = plugin_.open();
  host_.end_open();
}

void PluginCaller::handle(const BatchParts& batch) {
  const auto view = view_.make(batch.frames, batch.stretches, batch.memory, batch.attempt,
                               batch.source, batch.fifo, batch.ticket);
  flight_.enter(Phase::handle);
  host_.begin_call();
  answer_ = plugin_.handle(view, flight_.result);
  host_.end_call();
  flight_.code = answer_.code;
}

void PluginCaller::tick(Nanoseconds now) {
  std::uint64_t next = 0;
  flight_.enter(Phase::tick);
  answer_ = plugin_.tick(static_cast<std::uint64_t>(now.count()), next);
  flight_.next_tick = next;
}

void PluginCaller::flush(Nanoseconds deadline) {
  flight_.enter(Phase::flush);
  answer_ = plugin_.flush(static_cast<std::uint64_t>(deadline.count()));
}

void PluginCaller::close(Nanoseconds deadline) {
  flush(deadline);
  flight_.enter(Phase::close);
  plugin_.close();
}

}  // namespace standpipe::deliver
