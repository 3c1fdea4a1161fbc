// SPDX-License-Identifier: Apache-2.0
#include "cli/conformance_report.h"

#include <string_view>

#include "base/text.h"
#include "cli/show.h"
#include "cli/test_report.h"

namespace standpipe::cli {
namespace {

using conformance::Result;
using conformance::Verdict;

constexpr std::size_t kIdColumns = 17;
constexpr std::string_view kDetail = "      ";

std::string_view word_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::passed:
      return "passed";
    case Verdict::Kind::failed:
      return "failed";
    default:
      return "not run";
  }
}

std::string shown_ms(Nanoseconds took) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) +
         " ms";
}

// "PASS  many    handles a batch of 10,000 messages", and below a failure why, and the way out.
class ConformanceText final : public ConformanceReport {
 public:
  explicit ConformanceText(StandardOutput& out) : out_(out) {}

  void begin(const std::string& path, std::uint64_t seed) override {
    out_.write(printable(path) + ", --seed " + std::to_string(seed) + '\n');
    out_.flush();
  }
  void tell(const Result& result) override {
    const auto kind = result.verdict.kind;
    const auto* word = kind == Verdict::Kind::passed   ? "PASS  "
                       : kind == Verdict::Kind::failed ? "FAIL  "
                                                       : "----  ";
    out_.write(word + padded(std::string(result.check->id), kIdColumns) +
               std::string(result.check->summary) + '\n');
    if (kind == Verdict::Kind::not_run) detail("not run: " + printable(result.verdict.text));
    if (kind == Verdict::Kind::failed) failure(result);
    out_.flush();
  }
  void end(const ConformanceCounts& counts) override {
    out_.write(thousands(counts.passed) + " passed, " + thousands(counts.failed) + " failed, " +
               thousands(counts.not_run) + " not run (" + shown_ms(counts.took) + ")\n");
  }

 private:
  void failure(const Result& result) {
    detail(printable(result.verdict.text));
    detail("help: " + std::string(result.check->help));
    if (result.verdict.output.empty()) return;
    detail("it wrote:");
    out_.write(printable_lines(result.verdict.output, "        "));
  }
  void detail(const std::string& text) { out_.write(std::string(kDetail) + text + '\n'); }

  StandardOutput& out_;
};

class ConformanceJson final : public ConformanceReport {
 public:
  explicit ConformanceJson(StandardOutput& out) : out_(out) {}

  void begin(const std::string& path, std::uint64_t seed) override {
    out_.write("{\"file\":" + json_string(path) + ",\"seed\":" + std::to_string(seed) + "}\n");
  }
  void tell(const Result& result) override {
    const auto& verdict = result.verdict;
    out_.write("{\"check\":" + json_string(std::string(result.check->id)) +
               ",\"summary\":" + json_string(std::string(result.check->summary)) +
               ",\"result\":" + json_string(std::string(word_of(verdict.kind))) +
               ",\"seconds\":" + seconds_text(result.took));
    if (verdict.kind != Verdict::Kind::passed)
      out_.write(",\"reason\":" + json_string(verdict.text));
    if (verdict.kind == Verdict::Kind::failed)
      out_.write(",\"help\":" + json_string(std::string(result.check->help)) +
                 ",\"output\":" + json_string(verdict.output));
    out_.write("}\n");
    out_.flush();
  }
  void end(const ConformanceCounts& counts) override {
    out_.write(std::string("{\"ok\":") + (counts.failed == 0 ? "true" : "false") + ",\"passed\":" +
               std::to_string(counts.passed) + ",\"failed\":" + std::to_string(counts.failed) +
               ",\"not_run\":" + std::to_string(counts.not_run) +
               ",\"seconds\":" + seconds_text(counts.took) + "}\n");
  }

 private:
  StandardOutput& out_;
};

}  // namespace

std::unique_ptr<ConformanceReport> conformance_text(StandardOutput& out) {
  return std::make_unique<ConformanceText>(out);
}

std::unique_ptr<ConformanceReport> conformance_json(StandardOutput& out) {
  return std::make_unique<ConformanceJson>(out);
}

}  // namespace standpipe::cli
