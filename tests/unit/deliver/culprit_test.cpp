// SPDX-License-Identifier: Apache-2.0
#include "deliver/culprit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

using namespace standpipe::deliver;

namespace {

// A worker in a process of its own, and the word that outlives it.
class Worker {
 public:
  Worker() {
    void* page = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    word_ = static_cast<std::uint64_t*>(page);
    *word_ = 99;
  }
  ~Worker() { ::munmap(word_, sizeof *word_); }
  // Lives until this ends it, or returns.
  Death run(const std::function<void(std::uint64_t&)>& what, std::size_t calls = 2) {
    const auto child = ::fork();
    if (child == 0) {
      (void)!std::freopen("/dev/null", "w", stderr);
      for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) (void)std::signal(s, SIG_DFL);  // not the tests' own
      CulpritMark::install(*word_);
      what(*word_);
      ::_exit(0);
    }
    REQUIRE(::waitpid(child, &status_, 0) == child);
    return Death::of(status_, *word_, calls);
  }
  // In a thread of a handler's own, while another is in a call, too.
  Death run_in_thread(std::size_t handler, const std::function<void()>& what) {
    return run([&](std::uint64_t& word) {
      std::thread other([&] {
        const CulpritMark mark(word, 7);
        ::pause();
      });
      std::thread([&] {
        const CulpritMark mark(word, handler);
        what();
      }).join();
      ::_exit(0);
    });
  }
  std::uint64_t word() const { return *word_; }
  int status() const { return status_; }

 private:
  std::uint64_t* word_;
  int status_ = 0;
};

}  // namespace

TEST_CASE("a handler that crashes in its thread is named, and the process dies of the same signal") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    Worker worker;
    const auto death = worker.run_in_thread(3, [&] { (void)::raise(signal); });
    CHECK(WTERMSIG(worker.status()) == signal);
    CHECK(worker.word() == Death::kFirstHandler + 3);
    CHECK(death.blames(3));
    CHECK_FALSE(death.blames(7));
    CHECK(death.is_sure());
  }
}

TEST_CASE("a write to nowhere is told like any crash") {
  Worker worker;
  const auto death = worker.run_in_thread(3, [] {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  CHECK(death.blames(3));
  CHECK(worker.word() == Death::kFirstHandler + 3);
  CHECK(death.text() == "crashed (SIGSEGV)");
}

TEST_CASE("a handler that aborts, or ends the process, is named") {
  Worker worker;
  CHECK(worker.run_in_thread(0, [] { std::abort(); }).text() == "crashed (SIGABRT)");
  CHECK(worker.word() == Death::kFirstHandler);
  const auto death = worker.run_in_thread(4, [] { std::exit(5); });
  CHECK(death.text() == "ended the process (exit 5)");
  CHECK(death.blames(4));
  CHECK_FALSE(death.blames(0));
}

TEST_CASE("a call on the hub's own thread is the handler's, and what is behind it the hub's") {
  Worker worker;
  const auto within = worker.run([](std::uint64_t& word) {
    const CulpritMark mark(word, 1);
    std::abort();
  });
  CHECK(within.blames(1));
  const auto behind = worker.run([](std::uint64_t& word) {
    { const CulpritMark mark(word, 1); }
    std::abort();
  });
  CHECK(worker.word() == Death::kHub);
  CHECK_FALSE(behind.blames(1));
}

TEST_CASE("a thread that nobody marked names nobody, and everybody in a call may have been it") {
  Worker worker;
  const auto death = worker.run([](std::uint64_t&) { std::thread([] { std::abort(); }).join(); });
  CHECK(worker.word() == Death::kNobody);
  CHECK(death.blames(0));
  CHECK(death.blames(5));
  CHECK_FALSE(death.is_sure());
  CHECK(Death::of(SIGABRT, Death::kNobody, 1).is_sure());
}

TEST_CASE("killed from outside, nobody is blamed, whatever they were at") {
  Worker worker;
  const auto death = worker.run_in_thread(3, [] { (void)::kill(::getpid(), SIGKILL); });
  CHECK(worker.word() == Death::kNobody);
  CHECK_FALSE(death.blames(3));
}

TEST_CASE("an end by way of the hub names nobody") {
  Worker worker;
  const auto death = worker.run([](std::uint64_t&) { std::exit(1); });
  CHECK(worker.word() == Death::kNobody);
  CHECK(death.text() == "ended the process (exit 1)");
}

TEST_CASE("a hang is its handler's for sure") {
  const auto death = Death::by_hang(2, "5 s");
  CHECK(death.blames(2));
  CHECK_FALSE(death.blames(3));
  CHECK(death.is_sure());
  CHECK(death.reason() == Reason::timeout);
}
