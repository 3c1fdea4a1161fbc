// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "eventually.h"
#include "keeper/keeper.h"
#include "places.h"
#include "temporary_folder.h"

namespace test {

using namespace std::chrono_literals;

// A keeper in a process of its own, with toy workers (toy_worker.cpp) that follow one script after
// the other.
class ToyKeeper {
 public:
  explicit ToyKeeper(std::vector<std::string> scripts, standpipe::Nanoseconds back_off = 1ms) {
    options_.program = program();
    options_.back_off = back_off;
    options_.worker_arguments = {"toy: worker", folder_ / "log"};
    for (const auto& script : scripts) options_.worker_arguments.push_back("start; " + script);
    options_.spill_arguments = {"toy: spill", folder_ / "log", "spill; done"};
    options_.dump_arguments = {"toy: dump", folder_ / "log", "say dump; done"};
  }
  ~ToyKeeper() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  ToyKeeper(const ToyKeeper&) = delete;
  ToyKeeper& operator=(const ToyKeeper&) = delete;

  standpipe::keeper::Options& options() { return options_; }

  // `before`: what the keeper's process does before it is one.
  void start(const std::function<void()>& before = [] {}) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    before();
    const standpipe::Fd reported(
        ::open((folder_ / "said").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    standpipe::StreamReporter reporter(reported.get());
    const standpipe::SystemClock clock;
    standpipe::keeper::Keeper keeper(options_, clock, reporter);
    ::_exit(keeper.run());
  }
  // As under a service manager that wants a sign of life that often.
  void start_watched(const char* microseconds) {
    ::setenv("WATCHDOG_USEC", microseconds, 1);
    start();
    ::unsetenv("WATCHDOG_USEC");
  }
  void send(int signal) { ::kill(pid_, signal); }
  // Of the keeper from now on; it may have more already.
  void limit_descriptors(rlim_t most) const {
    rlimit limit{};
    ::prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = most;
    ::prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr);
  }
  // What the keeper ended with; -1: it was killed.
  int end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int run() {
    start();
    return end();
  }

  std::string log() const { return text("log"); }        // what the workers saw
  std::string reported() const { return text("said"); }  // what the keeper reported
  std::ptrdiff_t workers() const {
    std::istringstream lines(log());
    std::ptrdiff_t n = 0;
    for (std::string line; std::getline(lines, line);) n += line == "start";
    return n;
  }
  // The first worker that said its number ("pid").
  pid_t worker() const {
    const auto text = log();
    const auto at = text.find("pid ");
    return at == text.npos ? 0 : std::atoi(text.c_str() + at + 4);
  }
  std::vector<pid_t> children() const { return children_of(pid_); }
  static std::vector<pid_t> children_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) +
                       "/children");
    return {std::istream_iterator<pid_t>(file), {}};
  }
  bool wait_for_log(const std::string& part) const {
    return eventually([&] { return log().find(part) != std::string::npos; });
  }
  bool wait_until_reported(const std::string& part) const {
    return eventually([&] { return reported().find(part) != std::string::npos; });
  }
  const TemporaryFolder& folder() const { return folder_; }

  static std::string program() { return places::toy_worker(); }

 private:
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryFolder folder_;
  standpipe::keeper::Options options_;
  pid_t pid_ = 0;
};

}  // namespace test
