// SPDX-License-Identifier: Apache-2.0
#include "worker/foundation.h"

#include <fcntl.h>
#include <stdlib.h>

#include <cinttypes>
#include <cstdio>
#include <random>
#include <utility>

namespace standpipe::worker {

Foundation::Foundation(config::HubOptions& options, keeper::Link& link, const Clock& clock,
                       const HubNames* before)
    : names_(HubNames::of(options)),
      pipes_(PipeBudget::here(options.sources.size(), options.handlers.size())),
      topology_(options, link, before),
      stage_(open_stage(pipes_.stage, link)),
      dev_null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
      arena_(memory(), topology_.arena_budget()),
      run_(memory(), "run") {
  if (run_->id == 0)
    run_.edit() = {std::random_device()() | std::uint64_t{1} << 32, clock.wall().count(),
                   clock.steady().count(), 0, 0};
  was_handed_over_ = run_->handed_over != 0;
  if (was_handed_over_) run_.edit().handed_over = 0;
  memory().commit();
  // For plugins, which are loaded later: sequences begin anew with each run, so who names a message
  // for good needs that, too.
  ::setenv("STANDPIPE_RUN", run_text().c_str(), 1);
}

std::string Foundation::run_text() const {
  char text[17];
  std::snprintf(text, sizeof text, "%" PRIx64, run());
  return text;
}

// One end alone is no stage: a worker died before the keeper had both, and nothing was in it.
Pipe Foundation::open_stage(std::size_t bytes, keeper::Link& link) {
  auto out = link.retrieve("stage-out"), in = link.retrieve("stage-in");
  if (out && in) {
    const auto capacity = grow_pipe(in->get(), 0);
    return {std::move(*out), std::move(*in), capacity};
  }
  auto stage = Pipe::make(bytes);
  link.keep("stage-out", stage.read_end.get());
  link.keep("stage-in", stage.write_end.get());
  return stage;
}

deliver::CrashNote& Foundation::crash_note() {
  return *reinterpret_cast<deliver::CrashNote*>(
      memory().plain_record(state::kCrashRecord, sizeof(deliver::CrashNote)).data());
}

void Foundation::hand_over() {
  memory().commit();
  run_.edit().handed_over = 1;
  memory().commit();
}

// A transaction of its own: from here on every worker only saves.
void Foundation::begin_saving() {
  memory().commit();
  run_.edit().saving = 1;
  memory().commit();
}

}  // namespace standpipe::worker
