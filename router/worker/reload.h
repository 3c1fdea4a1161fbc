// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/parts.h"
#include "base/reporter.h"
#include "keeper/link.h"
#include "keeper/program.h"
#include "state/persistent.h"
#include "worker/configurations.h"
#include "worker/examination.h"
#include "worker/hub.h"
#include "worker/reloading.h"

namespace standpipe::worker {

// A reload, from the request to what came of it, over all the workers that it takes:
//
//   a worker    examines what lies on the disk (examination.h), in a child
//               asks the hub to give way (succession.h)
//               keeps the checked text as next (configurations.h), when all calls have come back
//   the next    tries it, and when it is ready puts it in force
//   or another  goes back, if that one died or failed before
//
// Each reload has a number, and whoever asked for one asks again for its result, of whichever
// worker there is. The last result is held by the keeper. One reload at a time: a second command is
// refused; a second SIGHUP lets another reload follow, since the file may have changed again.
//
// At the control socket:
//   "reload", "reload dry-run"   begins one: its number
//   "reload result N"            "pending", or a line with a word (done, would, refused), a line of
//                                JSON, and lines for people
class Reload final : public Reloading {
 public:
  struct Needs {
    Hub& hub;
    keeper::Link& link;
    Configurations& configurations;
    const keeper::Program& program;
    std::vector<std::string> arguments;  // of a worker
    const Clock& clock;
    Reporter& reporter;
  };
  explicit Reload(Needs needs);

  // This worker is ready: if it was to try a configuration, that is in force now. Says what came of
  // a reload that began in another worker.
  void ready();
  // The answer, if the request is about reloads.
  std::optional<std::string> answer(std::string_view request);

  void want() override;
  void on_event() override;
  void on_timer() override;
  void go() override;
  void stays(const std::string& why) override;

 private:
  // What outlives the worker.
  struct Record {
    std::uint64_t last;     // the number of the last one; 0: there was none
    std::uint64_t pending;  // of the one that is under way; 0: none
    std::uint64_t again;    // another one is to follow
  };
  struct Result;

  std::uint64_t begin(bool is_dry_run);
  void examine();
  void decide(const Parts& found);
  void follow_up();
  void end(const Result& result);
  void say(const Result& result);
  Parts next_of(const Parts& found) const;

  Needs needs_;
  state::Persistent<Record> record_;
  std::unique_ptr<Examination> examination_;
  bool is_dry_run_ = false;
  bool is_ready_ = false;
  Nanoseconds began_{0};
  Parts found_;                    // by the examination, while the hub is to give way
  std::optional<Fd> result_file_;  // the file of the last result
  Parts result_;
};

}  // namespace standpipe::worker
