// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <random>
#include <system_error>

#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/conformance_report.h"

namespace standpipe::cli {
namespace {

using conformance::Verdict;

// A path, or the name of a plugin that would be found.
std::string file_named(const std::string& name, const Arguments& arguments) {
  std::error_code error;
  if (name.find('/') != std::string::npos || std::filesystem::exists(name, error))
    return std::filesystem::absolute(name).string();
  for (const auto& folder : plugin_folders(arguments)) {
    const auto path = std::filesystem::path(folder) / (name + ".so");
    if (std::filesystem::exists(path, error)) return std::filesystem::absolute(path).string();
  }
  throw Failure("there is no file " + escaped(name) + ", and no plugin of that name",
                "name the built file, e.g. ./" + escaped(name) + ".so");
}

testing::Options options_given(const Arguments& arguments) {
  testing::Options options;
  for (const auto& text : arguments.texts("option")) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw WrongUsage("--option " + quoted(text) + " is no NAME=VALUE",
                       "e.g. --option path=/tmp/x.log");
    options[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return options;
}

std::vector<std::string> checks_asked_for(const Arguments& arguments) {
  auto only = arguments.texts("only");
  for (const auto& id : only) {
    if (conformance::find_check(id)) continue;
    const auto known = conformance::check_ids();
    const auto near = nearest(id, known);
    throw WrongUsage(
        "there is no check " + quoted(id),
        (near ? "did you mean '" + *near + "'? " : "") + "(checks: " + joined(known, ", ") + ')');
  }
  return only;
}

void add(const conformance::Result& result, ConformanceCounts& counts) {
  counts.took += result.took;
  ++(result.verdict.kind == Verdict::Kind::passed   ? counts.passed
     : result.verdict.kind == Verdict::Kind::failed ? counts.failed
                                                    : counts.not_run);
}

Status check_plugin(const Arguments& arguments, Streams& streams) {
  conformance::Request request;
  request.path = file_named(arguments.operands()[0], arguments);
  request.options = options_given(arguments);
  request.seed = arguments.count("seed").value_or(std::random_device()());
  conformance::SuiteOptions suite;
  suite.only = checks_asked_for(arguments);
  suite.timeout = arguments.duration("timeout").value_or(suite.timeout);
  const auto report =
      arguments.has("json") ? conformance_json(streams.out) : conformance_text(streams.out);
  ConformanceCounts counts;
  report->begin(request.path, request.seed);
  streams.out.flush();
  conformance::run_suite(request, suite, [&](const conformance::Result& result) {
    add(result, counts);
    report->tell(result);
  });
  report->end(counts);
  return counts.failed == 0 ? Status::done : Status::failed;
}

}  // namespace

Command plugin_check_command() {
  return {
      .name = "plugin check",
      .summary = "tries whether a plugin keeps the contract",
      .examples = {{"standpipe plugin check ./build/mine.so", "all checks, and what to do"},
                   {"standpipe plugin check ./mine.so --only memory",
                    "that one, and what it needs"},
                   {"standpipe plugin check ./mine.so --option url=http://localhost:8080",
                    "with an option that nobody can guess"}},
      .description =
          "Each check runs in a process of its own, with a folder of its own, as bad a hub as the\n"
          "contract allows: the file and its description, options at their limits, life and death\n"
          "a hundred times, messages of every kind, memory that is lent and taken back, what the\n"
          "process is left like, deadlines, older and newer hosts; of a source its credit, its "
          "place\n"
          "to go on at, how fast it is woken. A check whose prerequisite failed is not run, and "
          "what\n"
          "a plugin does not offer is left out. Required options get their example, or a path in "
          "the check's folder.\n"
          "It ends with status 1 if a check failed. Run it in your continuous integration.",
      .operands = {{.name = "FILE"}},
      .options = {plugins_option(),
                  {.name = "only",
                   .kind = Kind::text,
                   .value = "CHECK",
                   .summary = "this check, and those it needs; may be given several times",
                   .repeatable = true},
                  {.name = "option",
                   .kind = Kind::text,
                   .value = "NAME=VALUE",
                   .summary = "an option of the plugin, as in YAML; may be given several times",
                   .repeatable = true},
                  {.name = "seed",
                   .kind = Kind::count,
                   .value = "N",
                   .summary = "of the check with random bytes: the same makes the same"},
                  {.name = "timeout",
                   .kind = Kind::duration,
                   .value = "DURATION",
                   .summary = "how long a check may take, 10s by default"},
                  {.name = "json", .summary = "JSON, an object a check and line"}},
      .run = check_plugin};
}

}  // namespace standpipe::cli
