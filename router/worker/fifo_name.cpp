// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_name.h"

#include <string>
#include <utility>

#include "source/create_fifo.h"

namespace standpipe::worker {
namespace {

using source::Named;

std::string fifo_fate(Named named, const std::string& path) {
  if (named == Named::nothing) return path + " was removed";
  if (named == Named::another_fifo) return path + " was replaced by another FIFO";
  return path + " was replaced by something that is not a FIFO";
}

}  // namespace

bool FifoName::is_reachable() {
  const auto& fifo = stream_.fifo();
  const auto named = fifo.named();
  const bool was = state_.kind != SourceState::Kind::unreachable;
  if (named == Named::ours) {
    if (!was) {
      state_ = {};
      reporter_.info(stream_.name() + ": " + fifo.path() + " is its FIFO again");
    }
    return true;
  }
  if (!was) return false;
  const auto fate = fifo_fate(named, fifo.path());
  state_ = {SourceState::Kind::unreachable, clock_.steady(),
            fate + "; writers that have the old one open are served"};
  reporter_.warning(
      "fifo-gone", stream_.name() + ": " + fate + ", so nobody new can write to this source",
      "nothing, if it was meant: once the old FIFO is read to its end and closed by its writers, " +
          std::string(named == Named::another_fifo ? "the new one is opened" : "it is made again"));
  return false;
}

bool FifoName::has_moved() {
  const auto& fifo = stream_.fifo();
  if (fifo.named() == Named::ours) return false;
  const auto place = fifo.place();
  const bool is_there = source::what_is_at(place, fifo.id()) == Named::ours;
  const bool is_none = !place.starts_with('/');  // the source had departed
  if (!is_none && !is_there) return false;       // its name was taken from it, and nothing else
  source::FifoSource::prepare(stream_.options());
  if (is_there)
    reporter_.info(stream_.name() + ": its FIFO is " + fifo.path() + " now; " + place +
                   " is read until its writers have closed it");
  state_ = {SourceState::Kind::unreachable, clock_.steady(),
            fifo.path() + " is opened when the writers of the old FIFO have closed it"};
  return true;
}

source::FifoSource FifoName::reopen(const std::function<void(const source::FifoSource&)>& admit) {
  wants_fifo_ = false;
  source::FifoSource fresh(stream_.options());
  if (admit) admit(fresh);
  state_ = {};
  return stream_.follow(std::move(fresh));
}

void FifoName::cannot_reopen(const Failure& failure) {
  const auto reason = std::string("its FIFO cannot be opened again: ") + failure.what();
  if (std::exchange(state_.reason, reason) != reason)
    reporter_.error("source", stream_.name() + ": " + reason, failure.help());
}

SourceState FifoName::state() const {
  auto state = state_;
  if (state.since) state.since = clock_.wall_at(*state.since);
  return state;
}

}  // namespace standpipe::worker
