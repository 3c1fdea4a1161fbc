// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/data.h"
#include "worker/replays.h"

namespace standpipe::worker {

// What commands for dead letters ask of a running hub, because nobody else changes their files
// while it runs:
//
//   dead where            its data_dir, as long as that works
//   dead purge FILTER     begins to remove those (deliver/letter_filter.h); answers with a number
//   dead result NUMBER    "pending", "purged N", or "failed WHY"
//   dead replay INTERVAL FILTER
//                         begins to replay those, one each INTERVAL ns (0: as there is room);
//                         answers with a number
//   dead replayed NUMBER  "STATE DELIVERED REFUSED LEFT IN-HAND", and lines of "N<tab>WHY": why
//   some
//                         are left. STATE: running, stopping, ending (the hub is), cancelled, done
//   dead cancel           ends the replay
class LetterCommands {
 public:
  LetterCommands(Data& data, Replays& replays) : data_(data), replays_(replays) {}
  static bool begins_replay(std::string_view request);

  // nullopt: the request is not about dead letters. Throws Failure.
  std::optional<std::string> answer(std::string_view request);

 private:
  std::string purge(std::string_view filter);
  std::string result(std::string_view number) const;
  std::string replay(std::string_view words);

  Data& data_;
  Replays& replays_;
};

}  // namespace standpipe::worker
