// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace standpipe::frame {

// Why a frame may claim more than the limit, as far as its bytes show it, in words for people. All
// readers of frames use it.
struct BadLength {
  std::string note;  // empty: the bytes tell nothing
  std::string help;
};

// `head`: what has come of the frame and of what follows it, from its length on; not empty.
// `after_frames`: whole frames came before it in the same stream, so its writers do know how a
// frame looks. `raise_limit`: how the reader's limit is raised.
BadLength explain_bad_length(std::span<const std::byte> head, std::uint64_t payload_max,
                             bool after_frames, const std::string& raise_limit);

}  // namespace standpipe::frame
