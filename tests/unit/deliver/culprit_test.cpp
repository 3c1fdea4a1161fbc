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
    void* page =
        ::mmap(nullptr, sizeof(Kept), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    kept_ = static_cast<Kept*>(page);
    kept_->word = 99;
  }
  ~Worker() { ::munmap(kept_, sizeof *kept_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Lives until this ends it, or returns.
  Death run(const std::function<void()>& what, std::size_t calls = 2) {
    const auto child = ::fork();
    if (child == 0) {
      (void)!std::freopen("/dev/null", "w", stderr);
      for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGTERM})
        (void)std::signal(s, SIG_DFL);  // not the tests' own
      CulpritMark::install(kept_->word, kept_->note);
      what();
      ::_exit(0);
    }
    REQUIRE(::waitpid(child, &status_, 0) == child);
    return Death::of(status_, kept_->word, calls, kept_->note);
  }
  // In a thread of a handler's own, while another is in a call, too.
  Death run_in_thread(std::size_t handler, const std::function<void()>& what) {
    return run([&] {
      std::thread other([&] {
        const CulpritMark mark(7);
        ::pause();
      });
      std::thread([&] {
        const CulpritMark mark(handler);
        what();
      }).join();
      ::_exit(0);
    });
  }
  std::uint64_t word() const { return kept_->word; }
  int status() const { return status_; }

 private:
  struct Kept {
    std::uint64_t word;
    CrashNote note;
  };
  Kept* kept_;
  int status_ = 0;
};

}  // namespace

TEST_CASE(
    "a handler that crashes in its thread is named, and the process dies of the same signal") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP}) {
    Worker worker;
    const auto death = worker.run_in_thread(3, [&] { (void)::raise(signal); });
    CHECK(WTERMSIG(worker.status()) == signal);
    CHECK(worker.word() == Death::kFirstHandler + 3);
    CHECK(death.names(3));
    CHECK_FALSE(death.names(7));
  }
}

TEST_CASE("a write to nowhere is reported like any crash") {
  Worker worker;
  const auto death = worker.run_in_thread(3, [] {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  CHECK(death.names(3));
  CHECK(worker.word() == Death::kFirstHandler + 3);
  CHECK(death.text() == "crashed (SIGSEGV)");
}

TEST_CASE("a handler that aborts, or ends the process, is named") {
  Worker worker;
  CHECK(worker.run_in_thread(0, [] { std::abort(); }).text() == "crashed (SIGABRT)");
  CHECK(worker.word() == Death::kFirstHandler);
  const auto death = worker.run_in_thread(4, [] { std::exit(5); });
  CHECK(death.text() == "ended the process (exit 5)");
  CHECK(death.names(4));
  CHECK_FALSE(death.names(0));
}

TEST_CASE("a call on the hub's own thread is the handler's, and what is behind it the hub's") {
  Worker worker;
  const auto within = worker.run([] {
    const CulpritMark mark(1);
    std::abort();
  });
  CHECK(within.names(1));
  const auto after = worker.run([] {
    { const CulpritMark mark(1); }
    std::abort();
  });
  CHECK(worker.word() == Death::kHub);
  CHECK_FALSE(after.names(1));
}

TEST_CASE("a thread that nobody marked names nobody, and everybody in a call may have been it") {
  Worker worker;
  const auto death = worker.run([] { std::thread([] { std::abort(); }).join(); });
  CHECK(worker.word() == Death::kNobody);
  CHECK(death.is_unnamed());
  CHECK_FALSE(death.says_nothing());
}

TEST_CASE("killed from outside, nobody is blamed, whatever they were at") {
  Worker worker;
  const auto death = worker.run_in_thread(3, [] { (void)::kill(::getpid(), SIGKILL); });
  CHECK(worker.word() == Death::kNobody);
  CHECK_FALSE(death.names(3));
  CHECK(death.says_nothing());
  CHECK(death.text() == "was killed (SIGKILL)");
}

TEST_CASE("a stack that overflows is reported like any crash") {
  Worker worker;
  const auto death = worker.run_in_thread(3, [] {
    const std::function<int(int)> dig = [&](int depth) {
      volatile char room[4096];
      room[depth % 4096] = 1;
      return depth < 0 ? 0 : dig(depth + 1) + room[0];
    };
    (void)dig(1);
  });
  CHECK(death.names(3));
  CHECK(death.text() == "crashed (SIGSEGV)");
}

TEST_CASE("a crash leaves where it was, and so does an end of the process") {
  Worker worker;
  const auto crash = worker.run_in_thread(3, [] {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  REQUIRE(crash.backtrace().size() > 2);
  CHECK(crash.backtrace()[0] == "address 0x0");
  CHECK(crash.backtrace()[2].find("+0x") != std::string::npos);
  const auto exit = worker.run_in_thread(3, [] { std::exit(0); });
  CHECK(exit.text() == "ended the process (exit 0)");
  REQUIRE(exit.backtrace().size() > 2);
  CHECK(exit.backtrace()[0].find("address") == std::string::npos);
}

TEST_CASE("a child that a handler forked, and that crashes or exits, leaves no report") {
  Worker worker;
  for (const bool crashes : {true, false}) {
    const auto death = worker.run_in_thread(3, [crashes] {
      if (const auto child = ::fork(); child > 0) return (void)::waitpid(child, nullptr, 0);
      crashes ? std::abort() : std::exit(0);
    });
    CHECK(worker.word() == Death::kNobody);
    CHECK_FALSE(death.names(3));
  }
}

TEST_CASE("an end by way of the hub names nobody") {
  Worker worker;
  const auto death = worker.run([] { std::exit(1); });
  CHECK(worker.word() == Death::kNobody);
  CHECK(death.text() == "ended the process (exit 1)");
}

TEST_CASE("a hang is its handler's for sure") {
  const auto death = Death::by_hang(2, "5 s");
  CHECK(death.names(2));
  CHECK_FALSE(death.names(3));
  CHECK(death.is_named());
  CHECK(death.reason() == Reason::timeout);
}
