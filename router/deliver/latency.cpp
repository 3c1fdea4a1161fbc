// SPDX-License-Identifier: Apache-2.0
#include "deliver/latency.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace standpipe::deliver {

// What is below kParts units has a bucket for each unit; from there on each power of two has
// kParts.
std::size_t Latency::bucket_of(Nanoseconds took) {
  const auto units =
      std::min(static_cast<std::uint64_t>(std::max(took.count(), std::int64_t{0})) >> kUnitBits,
               (std::uint64_t{1} << kMostBits) - 1);
  if (units < kParts) return units;
  const auto shift = static_cast<unsigned>(std::bit_width(units)) - 4;  // 1xxx is left
  return (shift + 1) * kParts + ((units >> shift) - kParts);
}

// The first time that is beyond it.
Nanoseconds Latency::end_of(std::size_t bucket) {
  const auto next = bucket + 1;
  const auto shift = next < kParts ? 0 : next / kParts - 1;
  const auto units = next < kParts ? next : (next % kParts + kParts) << shift;
  return Nanoseconds(static_cast<std::int64_t>(units << kUnitBits));
}

// A clock that was set back, or has stood far ahead, begins anew.
void Latency::add(Nanoseconds took, std::uint64_t messages, Nanoseconds now) {
  if (!spans_) spans_ = std::make_unique<Spans>(Spans{.began = now});
  auto& spans = *spans_;
  if (now < spans.began || now - spans.began >= 2 * kSpan) {
    spans = {.began = now};
  } else if (now - spans.began >= kSpan) {
    spans.before = spans.now;
    spans.now = {};
    spans.began += kSpan;
  }
  spans.now[bucket_of(took)] += messages;
}

std::optional<Percentiles> Latency::percentiles(Nanoseconds now) const {
  if (!spans_ || now - spans_->began >= 2 * kSpan) return std::nullopt;
  auto sum = spans_->now;
  if (now - spans_->began < kSpan)
    for (std::size_t i = 0; i < kBuckets; ++i) sum[i] += spans_->before[i];
  const auto all = std::accumulate(sum.begin(), sum.end(), std::uint64_t{0});
  return Percentiles{percentile(sum, all, 50), percentile(sum, all, 99)};
}

Nanoseconds Latency::percentile(const Buckets& sum, std::uint64_t all, std::uint64_t percent) {
  const auto wanted = all - all * (100 - percent) / 100;  // so many are within it
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < kBuckets; ++i)
    if ((within += sum[i]) >= wanted) return end_of(i);
  return end_of(kBuckets - 1);
}

}  // namespace standpipe::deliver
