// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/test_report.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/verdict.h"

namespace standpipe::cli {
namespace {

// Those whose name has that in it. It is a mistake to have none: nothing would fail.
std::vector<const config::TestOptions*> chosen(const config::HubOptions& hub,
                                               const std::optional<std::string>& filter) {
  std::vector<const config::TestOptions*> tests;
  for (const auto& test : hub.tests)
    if (!filter || test.name.find(*filter) != std::string::npos) tests.push_back(&test);
  if (hub.tests.empty())
    throw Failure(
        "there are no tests in " + hub.file,
        "add some:  tests: [{ name: it works, send: { source: orders, text: hi }, expect: "
        "{ screen: 1 } }]");
  if (tests.empty())
    throw Failure(
        "no test has " + quoted(*filter) + " in its name",
        counted(hub.tests.size(), "test") + ", the first is " + quoted(hub.tests.front().name));
  return tests;
}

Status run_tests(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin_folders(arguments));
  const auto hub = load_configuration(arguments, streams, plugins);
  if (!hub) return Status::wrong_configuration;
  const auto tests = chosen(*hub, arguments.text("filter"));
  std::vector<std::unique_ptr<TestReport>> reports;
  reports.push_back(arguments.has("json") ? json_report(streams.out) : text_report(streams.out));
  if (const auto path = arguments.text("junit")) reports.push_back(junit_report(*path, hub->file));
  rehearsal::Rehearsal rehearsal(*hub);
  TestCounts counts;
  const auto began = SystemClock().steady();
  for (const auto* test : tests) {
    const auto verdict = rehearsal::run_test(rehearsal, *test);
    ++(verdict.passed ? counts.passed : counts.failed);
    for (const auto& report : reports) report->tell(*test, verdict);
  }
  counts.took = SystemClock().steady() - began;
  for (const auto& report : reports) report->end(counts);
  return counts.failed == 0 ? Status::done : Status::failed;
}

}  // namespace

Command test_command() {
  return {
      .name = "test",
      .summary = "runs a configuration's tests, without touching anything outside",
      .examples = {{"standpipe test orders.yaml", "each of its `tests:`, and why one failed"},
                   {"standpipe test orders.yaml --filter 'big order'", "some of them"},
                   {"standpipe test orders.yaml --junit report.xml", "for continuous integration"}},
      .description =
          "Sends what each test says through the frames and routes that a running hub has,\n"
          "and compares who gets what with what the test expects. No FIFO is made and no\n"
          "handler is called: what a handler would do with a message is not tried. The\n"
          "status is 1 when a test fails. What a test may say: man standpipe.yaml.",
      .operands = {{.name = "CONFIG"}},
      .options = {plugins_option(),
                  {.name = "filter",
                   .kind = Kind::text,
                   .value = "NAME",
                   .summary = "only tests that have NAME in their name"},
                  {.name = "junit",
                   .kind = Kind::file,
                   .value = "FILE",
                   .summary = "write a report in JUnit's XML, too"},
                  {.name = "json", .summary = "JSON on standard output, an object a line"}},
      .run = run_tests};
}

}  // namespace standpipe::cli
