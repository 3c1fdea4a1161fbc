// SPDX-License-Identifier: Apache-2.0
#include "worker/pipe_budget.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

using namespace standpipe;
using worker::PipeBudget;

namespace {

std::size_t kPagesSoft = 16384;  // 64 MiB, the kernel's default

std::size_t sum(const PipeBudget& b, std::size_t sources, std::size_t outputs) {
  const auto fifo = [](std::size_t bytes) { return bytes ? bytes : 64 * KiB; };
  return b.stage + sources * fifo(b.source_fifo) + outputs * (fifo(b.output_fifo) + b.output_stage);
}

}  // namespace

TEST_CASE("a small hub has large pipes") {
  const auto b = PipeBudget::share(2, 2, kPagesSoft, 1 * MiB, false);
  CHECK(b.source_fifo == 1 * MiB);
  CHECK(b.output_fifo == kOutputFifoBytes);
  CHECK(b.output_stage == kOutputStageBytes);
  CHECK(b.stage == kStageBytes);
}

TEST_CASE(
    "an ordinary user's hub stays within half of what the user may have, where it has a choice") {
  for (std::size_t sources = 1; sources <= 200; sources += 7)
    CHECK(sum(PipeBudget::share(sources, sources / 2, kPagesSoft, 1 * MiB, false), sources,
              sources / 2) <= 34 * MiB);
}

TEST_CASE("many FIFOs keep the capacity they have") {
  const auto b = PipeBudget::share(500, 100, kPagesSoft, 1 * MiB, false);
  CHECK(b.source_fifo == 0);
  CHECK(b.output_fifo == 0);
  CHECK(b.output_stage == 64 * KiB);
}

TEST_CASE("root is bounded too") {
  CHECK(PipeBudget::share(2000, 0, kPagesSoft, 1 * MiB, true).source_fifo <= 128 * KiB);
}
