// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/limits.h"
#include "config/test_options.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/stream.h"

namespace standpipe::rehearsal {

constexpr std::uint64_t kSentFileMax = 64 * MiB;  // a file that a test sends

// What came of the messages of one test.
struct Performance {
  struct Message {
    std::size_t source;
    std::string_view payload;
    const Metadata& meta;
    Routed routed;
  };
  struct Fault {
    std::size_t source;
    StreamFault fault;
  };
  using Indexes = std::vector<std::size_t>;  // of `messages`

  std::vector<std::string> written;  // by each `send`, as it lies in the FIFO
  std::vector<Message> messages;     // that were accepted, in order
  std::vector<Fault> faults;
  std::map<std::size_t, Indexes> delivered;     // by handler
  std::array<Indexes, config::kFates> by_fate;  // those that messages have
  std::string problem;  // a file could not be read; nothing else counts then

  const Indexes& of(const config::ExpectOptions& expect) const;
  std::uint64_t count(const config::ExpectOptions& expect) const;
  std::uint64_t faults_of(config::Fate fate) const;
};

// Sends, routes, and lets those handlers fail that should. A handler that always rejects or that
// fails too often has its messages dead-lettered, or dropped, as its options say; one that tries
// without end has them waiting.
Performance perform(Rehearsal& rehearsal, const config::TestOptions& test);

}  // namespace standpipe::rehearsal
