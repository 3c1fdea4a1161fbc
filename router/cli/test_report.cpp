// SPDX-License-Identifier: Apache-2.0
#include "cli/test_report.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

constexpr std::size_t kNameWidth = 46;
constexpr std::string_view kMargin = "        ";

std::string took_text(Nanoseconds took) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  return ms > 0 ? std::to_string(ms) + " ms" : "<1 ms";
}

// "PASS  name                1 ms", and below a failure what was sent, expected and seen.
class TextReport final : public TestReport {
 public:
  explicit TextReport(StandardOutput& out) : out_(out) {}

  void tell(const config::TestOptions& test, const rehearsal::Verdict& verdict) override {
    const auto name = padded(printable(test.name), kNameWidth);
    if (verdict.passed) {
      out_.write("PASS  " + name + "  " + took_text(verdict.took) + '\n');
      return;
    }
    out_.write("FAIL  " + name + "  " + printable(test.place) + '\n');
    for (const auto& line : verdict.sent) row("sent", line);
    if (!verdict.expected.empty()) row("expected", joined(verdict.expected, ", "));
    if (!verdict.got.empty()) row("got", joined(verdict.got, ", "));
    for (const auto& d : verdict.differences) {
      row("-", d.wanted);
      row("+", d.got + (d.where.empty() ? "" : "   (" + d.where + ')'));
    }
    for (const auto& reason : verdict.because)
      row("because", reason.text + (reason.place.empty() ? "" : "   " + reason.place));
  }

  void end(const TestCounts& counts) override {
    out_.write(thousands(counts.passed) + " passed, " + thousands(counts.failed) + " failed (" +
               took_text(counts.took) + ")\n");
  }

 private:
  void row(std::string_view what, const std::string& text) {
    out_.write(std::string(kMargin) + padded(std::string(what), 10) + text + '\n');
  }
  StandardOutput& out_;
};

std::string json_list(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const auto& text : texts) items.push_back(json_string(text));
  return '[' + joined(items, ",") + ']';
}

class JsonReport final : public TestReport {
 public:
  explicit JsonReport(StandardOutput& out) : out_(out) {}

  void tell(const config::TestOptions& test, const rehearsal::Verdict& verdict) override {
    out_.write("{\"test\":" + json_string(test.name) + ",\"place\":" + json_string(test.place) +
               ",\"passed\":" + (verdict.passed ? "true" : "false") +
               ",\"seconds\":" + seconds_text(verdict.took));
    if (!verdict.passed) details(verdict);
    out_.write("}\n");
  }

  void end(const TestCounts& counts) override {
    out_.write(std::string("{\"ok\":") + (counts.failed == 0 ? "true" : "false") + ",\"passed\":" +
               std::to_string(counts.passed) + ",\"failed\":" + std::to_string(counts.failed) +
               ",\"seconds\":" + seconds_text(counts.took) + "}\n");
  }

 private:
  void details(const rehearsal::Verdict& verdict) {
    std::vector<std::string> differences, reasons;
    for (const auto& d : verdict.differences)
      differences.push_back("{\"wanted\":" + json_string(d.wanted) + ",\"got\":" +
                            json_string(d.got) + ",\"where\":" + json_string(d.where) + '}');
    for (const auto& r : verdict.because)
      reasons.push_back("{\"text\":" + json_string(r.text) + ",\"place\":" + json_string(r.place) +
                        '}');
    out_.write(",\"sent\":" + json_list(verdict.sent) +
               ",\"expected\":" + json_list(verdict.expected) +
               ",\"got\":" + json_list(verdict.got) + ",\"differences\":[" +
               joined(differences, ",") + "],\"because\":[" + joined(reasons, ",") + ']');
  }
  StandardOutput& out_;
};

}  // namespace

std::string seconds_text(Nanoseconds took) {
  return std::to_string(std::chrono::duration<double>(took).count());
}

std::unique_ptr<TestReport> text_report(StandardOutput& out) {
  return std::make_unique<TextReport>(out);
}

std::unique_ptr<TestReport> json_report(StandardOutput& out) {
  return std::make_unique<JsonReport>(out);
}

}  // namespace standpipe::cli
