// SPDX-License-Identifier: Apache-2.0
#include "worker/raw_log.h"

#include <array>

namespace standpipe::worker {
namespace {

constexpr std::uint32_t kNoConfiguration = 0;  // nothing is matched here

}  // namespace

RawLog::RawLog(const RawLogOptions& options, log::Arena& arena, const frame::Codec& codec)
    : codec_(codec),
      log_(arena, {.id = options.id,
                   .size_max = options.size_max,
                   .frame_max = codec.overhead() + codec.payload_max(),
                   .readers = 1}),
      need_(arena.memory(), "raw/" + options.source) {}

RawLog::Indexed RawLog::index(std::uint64_t time_ns) {
  constexpr std::uint64_t kForReader[] = {1};
  std::array<frame::Frame, 512> frames;
  Indexed indexed;
  for (;;) {
    const auto scan = codec_.scan(log_.unindexed(), frames);
    if (*need_ != scan.need) need_.edit() = scan.need;
    const auto count = static_cast<std::uint32_t>(scan.frames);
    if (count > 0 && !log_.add_run(scan.consumed, count, time_ns, kNoConfiguration, kForReader)) {
      if (log_.make_room_for_index()) continue;
      indexed.all = false;
      break;
    }
    indexed.too_large = scan.too_large;
    if (count < frames.size()) break;
  }
  log_.keeping().commit();
  return indexed;
}

}  // namespace standpipe::worker
