// SPDX-License-Identifier: Apache-2.0
#include "frame/reframe.h"

#include <array>

#include "base/invariant.h"

namespace standpipe::frame {

Reframed reframe(const Codec& from, std::span<const std::byte> bytes, const Codec& to,
                 std::span<std::byte> out) {
  std::array<Frame, 256> found;
  Reframed done;
  while (done.consumed < bytes.size()) {
    const auto rest = bytes.subspan(done.consumed);
    const auto scan = from.scan(rest, found);
    INVARIANT(scan.frames > 0, done.consumed, bytes.size());
    const auto frames = std::span(found).first(scan.frames);
    for (std::size_t next = 0; next < frames.size();) {
      const auto wrote = to.write(rest, frames.subspan(next), out.subspan(done.written));
      next += wrote.frames + (wrote.refused ? 1 : 0);
      done.frames += wrote.frames + (wrote.refused ? 1 : 0);
      done.refused += wrote.refused ? 1 : 0;
      done.written += wrote.bytes;
      if (wrote.need == 0) continue;
      done.need = wrote.need;
      done.consumed += next > 0 ? frames[next - 1].end : 0;
      return done;
    }
    done.consumed += scan.consumed;
  }
  return done;
}

}  // namespace standpipe::frame
