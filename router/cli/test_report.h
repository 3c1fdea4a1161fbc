// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "cli/streams.h"
#include "config/test_options.h"
#include "rehearsal/verdict.h"

namespace standpipe::cli {

struct TestCounts {
  std::size_t passed = 0, failed = 0;
  Nanoseconds took{0};
};

// Tells of tests, one after the other, and then of all of them.
class TestReport {
 public:
  virtual ~TestReport() = default;
  virtual void tell(const config::TestOptions& test, const rehearsal::Verdict& verdict) = 0;
  virtual void end(const TestCounts& counts) = 0;
};

std::string seconds_text(Nanoseconds took);  // "0.000123", for programs

// For people.
std::unique_ptr<TestReport> text_report(StandardOutput& out);
// For programs: an object a line; the last one sums up, recognisable by its "ok".
std::unique_ptr<TestReport> json_report(StandardOutput& out);
// JUnit's XML, as continuous integration reads it, written into a file at the end. Throws Failure
// when the file cannot be written.
std::unique_ptr<TestReport> junit_report(const std::string& path, const std::string& suite);

}  // namespace standpipe::cli
