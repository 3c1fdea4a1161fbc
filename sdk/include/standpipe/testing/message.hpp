// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/message.hpp: what a test feeds to a handler, and what the handler answers. Part
// of testing.hpp.
#pragma once

#include <standpipe/plugin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace standpipe::testing {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::uint64_t kNoon = 1'714'564'800'250'000'000;  // 2024-05-01T12:00:00.250Z

// A message on its way to a handler.
struct Message {
  std::string payload;
  std::uint64_t sequence = 0;  // 0: the next one
  std::uint64_t time = kNoon;
  Pairs meta = {};
};

// What a batch says besides its messages.
struct Feed {
  std::string source = "orders";
  std::uint32_t attempt = 1;
  Pairs source_meta = {};
};

// A message that a handler emitted.
struct Made {
  std::string payload;
  Pairs meta = {};                       // with what it inherits
  std::uint32_t of = STANDPIPE_OF_NONE;  // an index in the batch
  std::uint64_t of_sequence = 0;         // that message's; 0: it was made of none
};

// A message that a source put.
struct Put {
  std::string payload;
  Pairs meta = {};
  std::uint64_t sequence = 0;
};

// A taken message that was settled later.
struct Settled {
  std::uint64_t ticket = 0;
  std::uint64_t sequence = 0;
  std::uint32_t outcome = STANDPIPE_DELIVERED;
  std::string reason = {};
};

// What a call for the whole instance answered.
struct Status {
  std::uint32_t answer = STANDPIPE_OK;
  std::string reason = {};
  bool ok() const { return answer == STANDPIPE_OK; }
  bool disconnected() const { return answer == STANDPIPE_DISCONNECTED; }
  bool fatal() const { return answer == STANDPIPE_FATAL; }
};

// What a batch was answered. The first `settled` messages were processed, and `outcomes` are
// theirs; the others were not handled and would be redelivered.
struct Answer : Status {
  std::size_t settled = 0;
  std::vector<std::uint8_t> outcomes = {};
  std::vector<std::string> reasons = {};  // one for each message of the batch
  std::vector<Made> emitted = {};         // what took effect by this answer
  std::uint32_t output = 0;               // of STANDPIPE_SEND
  bool all(std::uint8_t outcome) const {
    return ok() && std::all_of(outcomes.begin(), outcomes.end(),
                               [outcome](std::uint8_t o) { return o == outcome; });
  }
};

// What a poll of a source brought; it is committed, whatever the answer was.
struct Polled : Status {
  std::vector<Put> messages = {};
  std::string resume = {};  // as it is now: the next open gets it
};

}  // namespace standpipe::testing
