// SPDX-License-Identifier: Apache-2.0
#include "worker/source_fifos.h"

#include <unistd.h>

#include "base/failure.h"
#include "base/text.h"
#include "source/fifo_claim.h"
#include "worker/event_key.h"
#include "worker/fifo_difference.h"
#include "worker/fifo_patrol.h"

namespace standpipe::worker {

SourceFifos::SourceFifos(EventLoop& loop, SourceTable& sources, keeper::Link& link,
                         std::size_t grow_to, Data& data, const Clock& clock, Reporter& reporter)
    : loop_(loop),
      sources_(sources),
      link_(link),
      grow_to_(grow_to),
      clock_(clock),
      reporter_(reporter),
      gates_(sources, data, clock, reporter) {}

// One that is kept has its claim and its size, too: they belong to the open file.
void SourceFifos::begin(Inlet& inlet, FifoWatch& watch, bool is_kept) {
  auto& fifo = inlet.fifo();
  if (is_kept) return watch.begin(fifo.fd());
  claim(fifo);
  link_.keep("source/" + inlet.name(), fifo.fd());
  if (fifo.created()) reporter_.info(inlet.name() + ": created " + fifo.path());
  warn_of_difference(reporter_, inlet.name(), inlet.fifo().path(), inlet.fifo().differs());
  if (grow_to_) fifo.grow(grow_to_);
  watch.begin(fifo.fd());
}

void SourceFifos::claim(const source::FifoSource& fifo) const {
  source::claim_fifo(fifo.path(), fifo.fd(), link_.kept() ? link_.keeper_pid() : ::getpid());
}

void SourceFifos::begin_patrol() { loop_.set_timer(key(kFifos), loop_.now() + FifoPatrol::kEach); }

// A path that no longer leads to its FIFO is found here, whether or not a writer comes or goes.
void SourceFifos::look_for_lost() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto& inlet = *sources_[i].inlet;
    if (sources_[i].is_departed || inlet.is_reachable()) continue;
    inlet.read_to_end();
    sources_.ready().add(i);
  }
}

void SourceFifos::patrol_after(Nanoseconds took) {
  loop_.set_timer(key(kFifos), clock_.steady() + FifoPatrol::pause_after(took));
}

void SourceFifos::close(std::size_t i) {
  auto& source = sources_[i];
  auto& inlet = *source.inlet;
  source.watch.stop_polling();
  const auto old = inlet.end();
  link_.keep("source/" + inlet.name(), inlet.fifo().fd());
  source.watch.follow(inlet.fifo().fd());
  sources_.ready().add(i);
  if (const auto left = old.waiting())
    reporter_.error("source", inlet.name() + ": the source is no more, and " +
                                  counted(left, "byte") + " in its FIFO could not be taken");
  else
    reporter_.info(inlet.name() + ": the source is no more; its FIFO is closed");
}

void SourceFifos::reopen(std::size_t i) {
  auto& source = sources_[i];
  auto& inlet = *source.inlet;
  source.watch.stop_polling();
  try {
    const auto old = inlet.reopen([this](const source::FifoSource& fresh) { claim(fresh); });
    link_.keep("source/" + inlet.name(), inlet.fifo().fd());
    source.watch.follow(inlet.fifo().fd());
    if (grow_to_) inlet.fifo().grow(grow_to_);
    if (source.relay) source.relay->follow(inlet.fifo().fd());
    sources_.ready().add(i);
    reporter_.info(inlet.name() + ": " +
                   (inlet.fifo().created()
                        ? "made " + inlet.fifo().path() + " again"
                        : "reads the FIFO that is at " + inlet.fifo().path() + " now"));
    warn_of_difference(reporter_, inlet.name(), inlet.fifo().path(), inlet.fifo().differs());
  } catch (const Failure& failure) {
    inlet.cannot_reopen(failure);
  }
}

}  // namespace standpipe::worker
