// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/data.h"

namespace standpipe::worker {

// What commands for dead letters ask of a running hub, because nobody else changes their files
// while it runs:
//
//   dead where            its data_dir, as long as that works
//   dead purge FILTER     begins to remove those (deliver/letter_filter.h); answers with a number
//   dead result NUMBER    "pending", "purged N", or "failed WHY"
class LetterCommands {
 public:
  explicit LetterCommands(Data& data) : data_(data) {}

  // nullopt: the request is not about dead letters. Throws Failure.
  std::optional<std::string> answer(std::string_view request);

 private:
  std::string purge(std::string_view filter);
  std::string result(std::string_view number) const;

  Data& data_;
};

}  // namespace standpipe::worker
