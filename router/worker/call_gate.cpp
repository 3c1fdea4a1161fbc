// SPDX-License-Identifier: Apache-2.0
#include "worker/call_gate.h"

#include "base/invariant.h"
#include "worker/event_key.h"

namespace standpipe::worker {

bool CallGate::admit(deliver::HandlerLoop& handler, bool alone) {
  if (alone_ || (wants_alone_ && wants_alone_ != &handler)) return false;
  if (alone) wants_alone_ = calls_ > 0 ? &handler : nullptr;
  if (wants_alone_) return false;
  ++calls_;
  alone_ = alone;
  if (!samples_) sample_soon();
  return true;
}

void CallGate::release() {
  INVARIANT(calls_ > 0);
  --calls_;
  alone_ = false;
  queue_.unblock();
}

void CallGate::after_advance(const deliver::HandlerLoop& handler, bool waits) {
  if (wants_alone_ != &handler || waits) return;
  wants_alone_ = nullptr;
  queue_.unblock();
}

void CallGate::after_sample(bool in_progress) {
  samples_ = false;
  if (in_progress) sample_soon();
}

void CallGate::sample_soon() {
  samples_ = true;
  loop_.set_timer(key(kCalls), loop_.now() + kSampleEach);
}

}  // namespace standpipe::worker
