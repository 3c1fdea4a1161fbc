// SPDX-License-Identifier: Apache-2.0
#include "deliver/whole_frames.h"

#include <limits.h>

#include <catch2/catch.hpp>
#include <string>

#include "deliver/one_queue.h"

using namespace standpipe;
using deliver::WholeFrames;

namespace {

constexpr std::size_t kHeader = STANDPIPE_WIRE_HEADER_BYTES;

// A payload whose frame has that many bytes.
std::string frame_of(std::size_t bytes) { return std::string(bytes - kHeader, 'x'); }

class Fixture : public test::OneQueue {
 public:
  WholeFrames next(bool only_begun = false) const { return WholeFrames::next(*queue, only_begun); }
  // Writes those bytes of the frame that comes next.
  void write(std::uint64_t bytes) {
    auto place = queue->writing();
    place.skip += bytes;
    queue->wrote(bytes, place);
  }
  void write(const WholeFrames& whole) { queue->wrote(whole.bytes, whole.end); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "nothing is asked for, so nothing is staged") {
  CHECK(next().bytes == 0);
}

TEST_CASE_METHOD(Fixture, "small frames go together, as many as fit into PIPE_BUF") {
  for (int i = 0; i < 10; ++i) send(frame_of(1000));
  const auto first = next();
  CHECK(first.bytes == PIPE_BUF / 1000 * 1000);
  CHECK(first.end.skip == 0);
  write(first);
  CHECK(next().bytes == PIPE_BUF / 1000 * 1000);
}

TEST_CASE_METHOD(Fixture, "exactly PIPE_BUF bytes go together, and a byte more does not") {
  send(frame_of(PIPE_BUF - 100));
  send(frame_of(100));
  CHECK(next().bytes == PIPE_BUF);
  write(next());
  send(frame_of(PIPE_BUF - 100));
  send(frame_of(101));
  CHECK(next().bytes == PIPE_BUF - 100);
}

TEST_CASE_METHOD(Fixture, "a larger frame goes alone, before and after small ones") {
  send(frame_of(100));
  send(frame_of(PIPE_BUF + 1));
  send(frame_of(100));
  for (const std::uint64_t bytes : {100, PIPE_BUF + 1, 100}) {
    CHECK(next().bytes == bytes);
    write(next());
  }
}

TEST_CASE_METHOD(Fixture, "the rest of a frame that was begun comes first, and alone") {
  send(frame_of(1000));
  send(frame_of(100));
  write(300);
  CHECK(next().bytes == 700);
  CHECK(next(true).bytes == 700);
  write(next());
  CHECK(next().bytes == 100);
}

TEST_CASE_METHOD(Fixture, "who only ends its frame begins no other") {
  send(frame_of(100));
  CHECK(next(true).bytes == 0);
  CHECK(next(false).bytes == 100);
}
