// SPDX-License-Identifier: Apache-2.0
// Inlet: its FIFO is removed, replaced, or something else stands in its place while the hub runs.
#include <utility>

#include "worker/inlet.h"

namespace standpipe::worker {
namespace {

using source::Named;

std::string fifo_fate(Named named, const std::string& path) {
  if (named == Named::nothing) return path + " was removed";
  if (named == Named::another_fifo) return path + " was replaced by another FIFO";
  return path + " was replaced by something that is no FIFO";
}

}  // namespace

bool Inlet::is_reachable() {
  const auto named = fifo_.named();
  const bool was = state_.kind != SourceState::Kind::unreachable;
  if (named == Named::ours) {
    if (!was) {
      state_ = {};
      reporter_.info(name() + ": " + fifo_.path() + " is its FIFO again");
    }
    return true;
  }
  if (!was) return false;
  const auto fate = fifo_fate(named, fifo_.path());
  state_ = {SourceState::Kind::unreachable, clock_.wall(), fate + "; writers that have the old one open are served"};
  reporter_.warning("fifo-gone", name() + ": " + fate + ", so nobody new can write to this source",
                    "nothing, if it was meant: once the old FIFO is read to its end and closed by its writers, " +
                        std::string(named == Named::another_fifo ? "the new one is opened" : "it is made again"));
  return false;
}

source::FifoSource Inlet::reopen(const std::function<void(const source::FifoSource&)>& admit) {
  wants_fifo_ = false;
  source::FifoSource fresh(options_);
  if (admit) admit(fresh);
  state_ = {};
  hung_up_ = true;  // what came before the descriptor is watched was told to nobody
  return std::exchange(fifo_, std::move(fresh));
}

void Inlet::cannot_reopen(const Failure& failure) {
  const auto reason = std::string("its FIFO cannot be opened again: ") + failure.what();
  if (std::exchange(state_.reason, reason) != reason) reporter_.error("source", name() + ": " + reason, failure.help());
}

}  // namespace standpipe::worker
