// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "base/failure.h"

namespace standpipe::conformance {
namespace {

// Where plugins under test put their files. Removed with all that is in it.
class Scratch {
 public:
  Scratch() {
    auto name = (std::filesystem::temp_directory_path() / "standpipe-check-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw Failure("cannot make a folder " + name + ": " + std::generic_category().message(errno),
                    "set TMPDIR to a folder that can be written to");
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string folder(std::string_view name) const {
    const auto path = path_ / name;
    std::filesystem::create_directory(path);
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

// Those that were asked for, and those that they need.
std::set<std::string_view> wanted(const std::vector<std::string>& only) {
  std::set<std::string_view> ids;
  for (const auto& id : only)
    for (const auto* check = find_check(id); check; check = find_check(check->needs))
      ids.insert(check->id);
  return ids;
}

// Of a check that needs another one, which has not passed.
Verdict without(std::string_view needed, const Verdict& verdict) {
  if (!verdict.is_meant) return verdict;
  return {Verdict::Kind::not_run, "`" + std::string(needed) + "` did not pass", {}};
}

Verdict judge(const Check& check, const Request& request, const std::string& folder,
              Nanoseconds timeout) {
  return run_in_child(
      [&] {
        Subject subject(request);
        check.run(subject);
      },
      folder, timeout);
}

}  // namespace

std::span<const Check> checks() {
  static const auto all = [] {
    std::vector<Check> list;
    for (const auto& part :
         {file_checks(), description_checks(), lifecycle_checks(), message_checks(),
          lending_checks(), process_checks(), time_checks(), host_checks(), source_checks()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

const Check* find_check(std::string_view id) {
  for (const auto& check : checks())
    if (check.id == id) return &check;
  return nullptr;
}

std::vector<std::string> check_ids() {
  std::vector<std::string> ids;
  for (const auto& check : checks()) ids.emplace_back(check.id);
  return ids;
}

std::vector<Result> run_suite(const Request& request, const SuiteOptions& options,
                              const std::function<void(const Result&)>& tell) {
  const Scratch scratch;
  const SystemClock clock;
  const auto ids = wanted(options.only);
  std::map<std::string_view, Verdict> verdicts;
  std::vector<Result> results;
  for (const auto& check : checks()) {
    if (!ids.empty() && !ids.contains(check.id)) continue;
    Result result{&check, {}, {}};
    const auto begin = clock.steady();
    if (check.needs.empty() || verdicts[check.needs].kind == Verdict::Kind::passed)
      result.verdict = judge(check, request, scratch.folder(check.id), options.timeout);
    else
      result.verdict = without(check.needs, verdicts[check.needs]);
    result.took = clock.steady() - begin;
    verdicts[check.id] = result.verdict;
    if (ids.empty() && !result.verdict.is_meant) continue;
    tell(result);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace standpipe::conformance
