// SPDX-License-Identifier: Apache-2.0
#include "worker/pipe_budget.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include "base/limits.h"

namespace standpipe::worker {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPipeDefault = 64 * KiB;

std::size_t read_number(const char* path, std::size_t otherwise) {
  std::ifstream file(path);
  std::size_t n = 0;
  return file >> n ? n : otherwise;
}

}  // namespace

PipeBudget PipeBudget::share(std::size_t sources, std::size_t outputs, std::size_t pages_soft,
                             std::size_t pipe_max, bool privileged) {
  const std::size_t pipes = 1 + sources + 2 * outputs;
  std::size_t each = pipe_max;
  if (!privileged && pages_soft > 0) {
    const auto share = pages_soft * kPage / 2 / pipes;
    each = std::clamp<std::size_t>(std::bit_floor(share), kPipeDefault, pipe_max);
  }
  // Thousands of large pipes would be gigabytes of kernel memory, whoever may have them.
  const auto bounded = std::clamp<std::size_t>(std::bit_floor(256 * MiB / pipes), kPipeDefault,
                                               std::max(pipe_max, kPipeDefault));
  each = std::min(each, bounded);
  const bool roomy = each > kPipeDefault;
  return {std::min(kStageBytes, pipe_max), roomy ? each : 0,
          roomy ? std::min(each, kOutputFifoBytes) : 0, std::min(each, kOutputStageBytes)};
}

PipeBudget PipeBudget::here(std::size_t sources, std::size_t outputs) {
  return share(sources, outputs, read_number("/proc/sys/fs/pipe-user-pages-soft", 16384),
               read_number("/proc/sys/fs/pipe-max-size", MiB), ::geteuid() == 0);
}

}  // namespace standpipe::worker
