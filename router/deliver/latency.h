// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace standpipe::deliver {

// Of times: half of them were at most `p50`, all but one in a hundred at most `p99`.
struct Percentiles {
  Nanoseconds p50{0}, p99{0};
};

// How long messages took, lately: a histogram of the present span and one of the span before, so
// what it says is of the last one to two spans. Its buckets are an eighth of a power of two wide,
// so a percentile is at most an eighth too large. It takes 5 KiB once something was added, and
// nothing before; an addition is a few instructions, whatever was added before.
class Latency {
 public:
  static constexpr Nanoseconds kSpan = std::chrono::seconds(10);

  // So many messages took that long. `now` is of any one clock.
  void add(Nanoseconds took, std::uint64_t messages, Nanoseconds now);
  // nullopt: there was nothing lately.
  std::optional<Percentiles> percentiles(Nanoseconds now) const;

 private:
  // Times are counted in 1,024 ns, up to 2^35 of them (ten hours).
  static constexpr unsigned kUnitBits = 10, kMostBits = 35, kParts = 8;
  static constexpr std::size_t kBuckets = (kMostBits - 2) * kParts;
  using Buckets = std::array<std::uint64_t, kBuckets>;
  struct Spans {
    Nanoseconds began{0};
    Buckets now{}, before{};
  };

  static std::size_t bucket_of(Nanoseconds took);
  static Nanoseconds end_of(std::size_t bucket);
  static Nanoseconds percentile(const Buckets& sum, std::uint64_t all, std::uint64_t percent);

  std::unique_ptr<Spans> spans_;
};

}  // namespace standpipe::deliver
