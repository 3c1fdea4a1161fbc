// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "places.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace standpipe::conformance;
using namespace std::chrono_literals;

namespace {

using Kind = Verdict::Kind;
using Names = std::vector<std::string>;

bool is_of_source(const std::string& fault) { return fault.starts_with("source_"); }

// A plugin with that fault, which is what the name of its file says; "none" and "source_none" have
// none.
std::string broken(const std::string& fault) {
  static const test::TemporaryFolder folder;
  const auto built = places::broken() + '/' + fault + ".so";
  if (std::filesystem::exists(built)) return built;
  const auto path = folder / (fault + ".so");
  if (!std::filesystem::exists(path))
    std::filesystem::create_symlink(
        places::broken() + (is_of_source(fault) ? "/broken_source.so" : "/broken.so"), path);
  return path;
}

std::vector<Result> run(const std::string& path, Names only = {}) {
  const Request request{.path = path, .options = {}, .seed = 7, .cycles = 4};
  const bool hangs = path.ends_with("closes.so");
  const SuiteOptions options{.only = std::move(only), .timeout = hangs ? 500ms : 10'000ms};
  return run_suite(request, options, [](const Result&) {});
}

Names failed(const std::vector<Result>& results) {
  Names names;
  for (const auto& r : results)
    if (r.verdict.kind == Kind::failed) names.emplace_back(r.check->id);
  return names;
}

std::string verdict(const std::string& fault) {
  return run(broken(fault), {fault}).back().verdict.text;
}

}  // namespace

TEST_CASE("a sound plugin passes every check") {
  const auto* name = GENERATE("none", "source_none");
  for (const auto& r : run(broken(name))) {
    INFO(r.check->id << ": " << r.verdict.text);
    CHECK(r.verdict.kind == Kind::passed);
  }
}

// A sanitizer keeps what is freed for a while, so memory seems to grow.
TEST_CASE("our own plugins pass every check", "[no-sanitizer]") {
  const auto* name = GENERATE("print", "log", "forward", "reply", "generate");
  for (const auto& r : run(places::plugins() + "/" + name + ".so")) {
    INFO(name << ' ' << r.check->id << ": " << r.verdict.text);
    CHECK(r.verdict.kind == Kind::passed);
  }
}

TEST_CASE("each fault fails the check that is meant for it, and no other",
          "[exhaustive][no-sanitizer]") {
  for (const auto& id : check_ids()) {
    if (id == "file") continue;
    INFO(id);
    CHECK(failed(run(broken(id))) == Names{id});
  }
}

TEST_CASE("a file that is no plugin fails as one, and nothing else is run") {
  const test::TemporaryFolder folder;
  const auto path = folder / "text.so";
  std::ofstream(path) << "#!/bin/sh\n";
  const auto results = run(path);
  CHECK(failed(results) == Names{"file"});
  CHECK(results[1].verdict.kind == Kind::not_run);
  CHECK(results[1].verdict.text == "`file` did not pass");
}

TEST_CASE("a verdict names the call and what was wrong with it", "[no-sanitizer]") {
  CHECK(verdict("handles") == "it crashed (SIGABRT) in handle");
  CHECK(verdict("closes") == "close did not come back within 500ms");
  CHECK(verdict("exceptions") == "handle threw an exception: thrown by the fixture");
  CHECK(verdict("writes") ==
        "it crashed (SIGSEGV) in handle: it touched message 1 of the batch, which is borrowed");
  CHECK(verdict("overreads") ==
        "it crashed (SIGSEGV) in handle: it touched the memory behind message 1 of the batch");
  CHECK(verdict("keeps") ==
        "it crashed (SIGSEGV) in handle: it touched message 3 of the batch, which was lent for a "
        "call that has returned");
  CHECK(verdict("outcomes") == "handle gave a message the outcome 77, which no host knows");
  CHECK(verdict("name") == "the file is name.so, and it calls itself another");
  CHECK(verdict("descriptors") == "4 more descriptors are open after 4 lives of an instance");
  CHECK(verdict("process_state") == "it changes what happens on SIGSEGV");
  CHECK(verdict("children").starts_with("it leaves a child process that "));
  CHECK(verdict("exports") == "it also exports another_export");
  CHECK(verdict("emits") ==
        "it emits outside of handle and tick, or in another thread than theirs");
}

TEST_CASE("a verdict names what a source does wrong", "[no-sanitizer]") {
  CHECK(verdict("source_polls") == "it crashed (SIGSEGV) in poll");
  CHECK(verdict("source_resume") == "it crashed (SIGSEGV) in open");
  CHECK(verdict("source_throws") == "poll threw an exception: thrown by the fixture");
  CHECK(verdict("source_status") == "poll answered 99, which no host knows");
  CHECK(verdict("source_credit") ==
        "poll put 49 messages more than the one that it had credit for");
  CHECK(verdict("source_leaks") == "4 more descriptors are open after 4 lives of an instance");
  CHECK(verdict("source_wake").starts_with("poll came back "));
  CHECK(verdict("source_puts") ==
        "it puts messages, or says where to go on, outside of poll, or in another thread than "
        "poll's");
}

TEST_CASE("what a plugin does not offer is not checked, unless that is asked for") {
  const auto of_sources = [](const std::vector<Result>& results) {
    return std::count_if(results.begin(), results.end(),
                         [](const Result& r) { return is_of_source(std::string(r.check->id)); });
  };
  const auto results = run(broken("source_none"));
  CHECK(of_sources(results) > 10);
  CHECK(std::none_of(results.begin(), results.end(),
                     [](const Result& r) { return r.check->id == "handles"; }));
  CHECK(of_sources(run(broken("none"))) == 0);
  const auto asked = run(broken("none"), {"source_polls"});
  CHECK(asked.back().verdict.kind == Kind::not_run);
  CHECK(asked.back().verdict.text == "it offers no source");
}

TEST_CASE("--only runs a check and those that it needs") {
  Names ran;
  for (const auto& r : run(broken("none"), {"opens"})) ran.emplace_back(r.check->id);
  CHECK(ran == Names{"file", "imports", "description", "create", "opens"});
}

TEST_CASE("there are at least 20 checks, each after the one that it needs") {
  Names seen;
  for (const auto& check : checks()) {
    INFO(check.id);
    CHECK((check.needs.empty() || std::count(seen.begin(), seen.end(), check.needs) == 1));
    CHECK_FALSE(check.help.empty());
    seen.emplace_back(check.id);
  }
  CHECK(seen.size() >= 20);
}
