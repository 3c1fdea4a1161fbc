// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "cli/streams.h"
#include "conformance/suite.h"

namespace standpipe::cli {

struct ConformanceCounts {
  std::size_t passed = 0, failed = 0, not_run = 0;
  Nanoseconds took{0};
};

// Tells of a plugin's checks, one after the other, and then of all of them.
class ConformanceReport {
 public:
  virtual ~ConformanceReport() = default;
  virtual void begin(const std::string& path, std::uint64_t seed) = 0;
  virtual void tell(const conformance::Result& result) = 0;
  virtual void end(const ConformanceCounts& counts) = 0;
};

// For people.
std::unique_ptr<ConformanceReport> conformance_text(StandardOutput& out);
// For programs: an object a line; the last one sums up, recognisable by its "ok".
std::unique_ptr<ConformanceReport> conformance_json(StandardOutput& out);

}  // namespace standpipe::cli
