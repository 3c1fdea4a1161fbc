// SPDX-License-Identifier: Apache-2.0
#include "conformance/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "temporary_folder.h"

using namespace standpipe::conformance;
using namespace std::chrono_literals;

namespace {

using Kind = Verdict::Kind;

Verdict run(const std::function<void()>& check, standpipe::Nanoseconds timeout = 10s) {
  const test::TemporaryFolder folder;
  return run_in_child(check, folder.path(), timeout);
}

}  // namespace

TEST_CASE("a check that comes back has passed, and one that throws has not") {
  CHECK(run([] {}).kind == Kind::passed);
  const auto failed = run([] { throw Problem{"it is wrong"}; });
  CHECK((failed.kind == Kind::failed && failed.text == "it is wrong"));
  const auto skipped = run([] { throw NotJudged{"who knows"}; });
  CHECK((skipped.kind == Kind::not_run && skipped.text == "who knows"));
  CHECK(run([] { throw std::runtime_error("anything"); }).text == "anything");
}

TEST_CASE("a death is told by the call in which it happened", "[no-sanitizer]") {
  CHECK(run([] {
          enter_call("open");
          std::raise(SIGSEGV);
        }).text == "it crashed (SIGSEGV) in open");
  CHECK(run([] {
          enter_call("handle");
          ::_exit(3);
        }).text == "it ended the process (exit 3) in handle");
  CHECK(run([] {
          enter_call("handle");
          ::kill(::getpid(), SIGKILL);
        }).text == "it crashed (SIGKILL) in handle");
}

TEST_CASE("a fault is explained by what lies at its address", "[no-sanitizer]") {
  CHECK(run([] {
          enter_call("handle");
          explain_faults([](const void* address) {
            return address == reinterpret_cast<const void*>(16) ? "page zero" : "";
          });
          *reinterpret_cast<volatile char*>(16) = 1;
        }).text == "it crashed (SIGSEGV) in handle: it touched page zero");
}

TEST_CASE("what hangs is ended, with all that it started") {
  const auto verdict = run(
      [] {
        enter_call("flush");
        (void)::fork();
        for (;;) ::pause();
      },
      50ms);
  CHECK(verdict.text == "flush did not come back within 50ms");
}

TEST_CASE("a copy of the child that a plugin forks changes no verdict") {
  CHECK(run([] {
          const auto copy = ::fork();
          if (copy > 0) (void)::waitpid(copy, nullptr, 0);
          if (copy == 0) throw Problem{"said by the copy"};
        }).kind == Kind::passed);
}

TEST_CASE("a check has a folder and standard streams of its own") {
  const test::TemporaryFolder folder;
  const auto verdict = run_in_child(
      [&] {
        if (std::filesystem::current_path() != folder.path()) throw Problem{"another folder"};
        char byte = 0;
        if (::read(STDIN_FILENO, &byte, 1) != 0) throw Problem{"there is input"};
        (void)!::write(STDERR_FILENO, "last words", 10);
        throw Problem{"as planned"};
      },
      folder.path(), 10s);
  CHECK(verdict.text == "as planned");
  CHECK(verdict.output == "last words");
}
