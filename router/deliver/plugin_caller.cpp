// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_caller.h"

#include "deliver/culprit.h"

namespace standpipe::deliver {

PluginCaller::PluginCaller(const HandlerOptions& options, std::size_t id,
                           plugin::HostServices& host, Flight& flight, MadeRegion* made,
                           int wake_fd)
    : options_(options),
      id_(id),
      host_(host),
      flight_(flight),
      made_(made),
      wake_fd_(wake_fd),
      plugin_(*options.plugin, options.name, host, made ? &maker_.emplace(*made) : nullptr,
              options.kind()) {}

void PluginCaller::make(const CallRequest& request) {
  const bool handles = request.kind == CallKind::handle;
  make(request.kind, handles ? request.batch->parts() : BatchParts{}, request.terms,
       request.resume);
}

void PluginCaller::make(CallKind kind, const BatchParts& batch, const CallTerms& terms,
                        std::string_view resume) {
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
      open(resume);
      break;
    case CallKind::handle:
      handle(batch, terms.credit);
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
      close(terms.deadline);
      break;
    case CallKind::flush:
      flush(terms.deadline);
      break;
    case CallKind::tick:
      tick(terms);
      break;
    case CallKind::poll:
      poll(terms);
      break;
  }
  flight_.note_return();
}

void PluginCaller::open(std::string_view resume) {
  host_.begin_open();
  flight_.enter(Phase::open);
  answer_ = plugin_.open(resume);
  host_.end_open();
}

void PluginCaller::begin_making(const MakeCredit& credit, const standpipe_batch* batch) {
  if (!made_) return;
  made_->clear();
  maker_->begin(credit, batch);
}

void PluginCaller::end_making() {
  if (made_) maker_->end();
}

void PluginCaller::handle(const BatchParts& batch, const MakeCredit& credit) {
  const auto view = view_.make(batch.frames, batch.stretches, batch.memory, batch.attempt,
                               batch.source, batch.fifo, batch.ticket);
  flight_.enter(Phase::handle);
  host_.begin_call();
  begin_making(credit, &view);
  answer_ = plugin_.handle(view, flight_.result);
  end_making();
  host_.end_call();
  flight_.code = answer_.code;
}

void PluginCaller::tick(const CallTerms& terms) {
  std::uint64_t next = 0;
  flight_.enter(Phase::tick);
  begin_making(terms.credit);
  answer_ = plugin_.tick(static_cast<std::uint64_t>(terms.deadline.count()), next);
  end_making();
  flight_.next_tick = next;
}

// What is safe is told first, so that a broker hears of it though nothing comes.
void PluginCaller::poll(const CallTerms& terms) {
  flight_.enter(Phase::poll);
  if (terms.safe_until > safe_until_) plugin_.committed(safe_until_ = terms.safe_until);
  begin_making(terms.credit);
  if (terms.credit.messages > 0) {
    standpipe_credit credit{sizeof credit,      terms.credit.messages,
                            terms.credit.bytes, static_cast<std::uint64_t>(terms.deadline.count()),
                            wake_fd_,           0};
    answer_ = plugin_.poll(credit);
  }
  end_making();
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
