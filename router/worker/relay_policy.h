// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deliver/output.h"
#include "state/memory.h"
#include "worker/event_loop.h"
#include "worker/handler_table.h"
#include "worker/source_table.h"

namespace standpipe::worker {

// A source whose bytes may be relayed, or could be if it were not for `refused`.
struct RelayState {
  std::string source, output;
  std::uint64_t bytes;
  std::optional<std::string> refused;
};

// Decides which sources are relayed (deliver/relay.h), and when new bytes are left in their FIFOs
// for that: a relay needs the output's stage and the log empty. While the reader takes quickly, new
// bytes may as well wait in the FIFO. A reader that has not emptied the log within kHoldMost is
// slow, and must not keep writers from the log's room.
class RelayPolicy {
 public:
  static constexpr Nanoseconds kHoldMost = std::chrono::milliseconds(10);

  RelayPolicy(EventLoop& loop, SourceTable& sources, HandlerTable& handlers)
      : loop_(loop), sources_(sources), handlers_(handlers) {}

  // Connects sources that feed only one handler, which nothing else feeds, whatever the messages
  // contain. What the handler does with them shows later.
  void connect(state::Memory& memory);
  // A turn of the source is due. false: it is held back, and becomes ready again by itself.
  bool prepare_turn(std::size_t source, bool stopping);
  // Outputs have moved on: so may the sources that were held back for them.
  void end_holds();
  std::vector<RelayState> states() const;

 private:
  deliver::Output* output_of(const SourceSlot& source) const;
  bool holds_back(std::size_t source, const deliver::Output* output, bool stopping);

  EventLoop& loop_;
  SourceTable& sources_;
  HandlerTable& handlers_;
};

}  // namespace standpipe::worker
