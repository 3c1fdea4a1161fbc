// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "frame/codec.h"
#include "log/log.h"
#include "state/persistent.h"

namespace standpipe::worker {

struct RawLogOptions {
  std::string source;  // its name
  std::size_t id = 0;  // of this log in the arena
  std::uint64_t size_max = 0;
};

// The log before a source's log, for a source whose framing is not the one inside: its bytes as
// they came, as whole frames of its own codec. Nobody but a re-framer reads it (Reframer), so
// nothing is matched and nothing is counted here.
//
// Bytes come as a stream, and the caller commits what it fills: room, fill it, log().filled, index
class RawLog {
 public:
  // The only reader's bit in the index.
  static constexpr std::size_t kReader = 0;

  // The codec must outlive it.
  RawLog(const RawLogOptions& options, log::Arena& arena, const frame::Codec& codec);

  log::Log& log() { return log_; }
  const log::Log& log() const { return log_; }
  const frame::Codec& codec() const { return codec_; }

  // Where the next bytes go; empty: it is full.
  std::span<std::byte> room() { return log_.room(*need_); }
  struct Indexed {
    bool all = true;  // false: the index has no room; try again when something was trimmed
    bool too_large =
        false;  // the next frame is over the codec's limit: what follows makes no sense
  };
  // Finds the whole frames that came, all accepted at that time. Commits.
  Indexed index(std::uint64_t time_ns);

 private:
  const frame::Codec& codec_;
  log::Log log_;
  state::Persistent<std::uint64_t> need_;  // bytes that the incomplete frame takes; 0: not known
};

}  // namespace standpipe::worker
