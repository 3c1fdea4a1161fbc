// SPDX-License-Identifier: Apache-2.0
#include "worker/relay_feed.h"

namespace standpipe::worker {
namespace {

class ViaRelay final : public FifoFeed::Via {
 public:
  ViaRelay(deliver::Relay& relay, deliver::Output& output, const Pipe& stage)
      : relay_(relay), output_(output), stage_(stage) {}

  std::size_t most(std::uint64_t frame_bytes) override { return relay_.most(output_, frame_bytes); }
  void in_stage(std::size_t bytes) override { relay_.prefetch(output_, stage_, bytes); }
  void out_of_stage(bool whole) override { relay_.on_stage_read(output_, !whole); }

 private:
  deliver::Relay& relay_;
  deliver::Output& output_;
  const Pipe& stage_;
};

}  // namespace

Turn RelayFeed::feed(Intake& intake) {
  if (!relay_ || !output_) return fifo_.feed(intake);
  ViaRelay via(*relay_, *output_, fifo_.stream().stage().pipe);
  return fifo_.feed(intake, &via);
}

}  // namespace standpipe::worker
