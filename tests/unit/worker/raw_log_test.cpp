// SPDX-License-Identifier: Apache-2.0
#include "worker/raw_log.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "../frame/toy_lines.h"
#include "base/limits.h"
#include "frame/length_prefixed.h"

using namespace standpipe;
using worker::RawLog;

namespace {

struct Worker {
  Worker(Fd fd, const frame::Codec& codec)
      : memory(std::move(fd)), arena(memory), raw({"in", 0, 256 * KiB}, arena, codec) {}
  explicit Worker(const frame::Codec& codec)
      : memory({.memory_max = 4 * MiB}), arena(memory), raw({"in", 0, 256 * KiB}, arena, codec) {}
  RawLog::Indexed come(std::string_view bytes, std::uint64_t time = 1) {
    const auto room = raw.room();
    std::memcpy(room.data(), bytes.data(), bytes.size());
    raw.log().filled(bytes.size());
    return raw.index(time);
  }
  std::string whole() {
    std::string all;
    auto at = raw.log().trimmed();
    while (const auto piece = raw.log().read(at, RawLog::kReader)) {
      all.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
      at = piece->end;
    }
    return all;
  }
  state::Memory memory;
  log::Arena arena;
  RawLog raw;
};

const test::ToyLines kLines;

}  // namespace

TEST_CASE(
    "whole frames of a foreign codec are indexed, and what is incomplete waits for its rest") {
  Worker w(kLines);
  w.come("one\ntwo\nthr");
  CHECK(w.whole() == "one\ntwo\n");
  CHECK(w.raw.log().end().sequence.number == 3);
  w.come("ee\n", 2);
  CHECK(w.whole() == "one\ntwo\nthree\n");
}

TEST_CASE("more frames than are found at once are all indexed") {
  Worker w(kLines);
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "x\n";
  CHECK(w.come(many).all);
  CHECK(w.whole() == many);
  CHECK(w.raw.log().end().sequence.number == 3001);
}

TEST_CASE("a frame over the codec's limit is reported") {
  const frame::LengthPrefixed prefixed(10);
  Worker w(prefixed);
  CHECK(w.come({"\1\0\0\0a\x7f\0\0\0", 9}).too_large);
  CHECK(w.whole().size() == 5);
}

TEST_CASE("a raw log continues in the next worker, in the middle of a frame") {
  Worker w(kLines);
  w.come("one\ntw");
  Worker next(Fd(::dup(w.memory.fd())), kLines);
  next.come("o\n");
  CHECK(next.whole() == "one\ntwo\n");
}
