// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "cli/test_report.h"

namespace standpipe::cli {
namespace {

// For attributes and for text. Control characters, which XML cannot have at all, were escaped by
// `escaped` already.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : escaped(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

class JunitReport final : public TestReport {
 public:
  JunitReport(std::string path, std::string suite)
      : path_(std::move(path)), suite_(std::move(suite)) {}

  void tell(const config::TestOptions& test, const rehearsal::Verdict& verdict) override {
    cases_ += "  <testcase classname=\"" + xml(suite_) + "\" name=\"" + xml(test.name) +
              "\" time=\"" + seconds_text(verdict.took) + '"';
    if (verdict.passed) {
      cases_ += "/>\n";
      return;
    }
    cases_ += ">\n    <failure message=\"expected " + xml(joined(verdict.expected, ", ")) +
              "; got " + xml(joined(verdict.got, ", ")) + "\">" + xml(test.place) + '\n';
    for (const auto& line : verdict.sent) cases_ += "sent " + xml(line) + '\n';
    for (const auto& d : verdict.differences)
      cases_ += "- " + xml(d.wanted) + "\n+ " + xml(d.got) + '\n';
    for (const auto& r : verdict.because)
      cases_ += "because " + xml(r.text) + "   " + xml(r.place) + '\n';
    cases_ += "</failure>\n  </testcase>\n";
  }

  void end(const TestCounts& counts) override {
    std::ofstream file(path_, std::ios::binary);
    file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         << "<testsuite name=\"" << xml(suite_) << "\" tests=\"" << counts.passed + counts.failed
         << "\" failures=\"" << counts.failed << "\" errors=\"0\" time=\""
         << seconds_text(counts.took) << "\">\n"
         << cases_ << "</testsuite>\n";
    file.close();
    if (!file) throw Failure::system("write " + quoted(path_), errno ? errno : EIO);
  }

 private:
  std::string path_, suite_, cases_;
};

}  // namespace

std::unique_ptr<TestReport> junit_report(const std::string& path, const std::string& suite) {
  return std::make_unique<JunitReport>(path, suite);
}

}  // namespace standpipe::cli
