// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_thread.h"

#include <signal.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

using standpipe::deliver::HandlerThread;

TEST_CASE("jobs are done one after the other, in one thread that is not the caller's") {
  HandlerThread thread;
  std::string done;
  std::optional<std::thread::id> first;
  for (const char job : {'a', 'b', 'c'}) {
    std::promise<std::thread::id> came_back;
    thread.post([&, job] {
      done += job;
      came_back.set_value(std::this_thread::get_id());
    });
    const auto id = came_back.get_future().get();
    CHECK(id != std::this_thread::get_id());
    CHECK(id == first.value_or(id));
    first = id;
  }
  CHECK(done == "abc");
}

TEST_CASE("its end waits for the job at hand, also for one that was not begun") {
  std::atomic<bool> done = false;
  {
    HandlerThread thread;
    thread.post([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done = true;
    });
  }
  CHECK(done);
}

TEST_CASE("one that never had a job ends, and may be detached") {
  HandlerThread thread;
  thread.detach();
}

TEST_CASE("a job that does not come back is not waited for once it is detached") {
  auto release = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  {
    HandlerThread thread;
    thread.post([release, ended] {
      release->get_future().wait();
      ended->set_value();
    });
    thread.detach();
  }
  release->set_value();
  ended->get_future().wait();
}

TEST_CASE("signals are for the loop's thread; only a fault of its own comes to this one") {
  HandlerThread thread;
  std::promise<sigset_t> came_back;
  thread.post([&] {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    came_back.set_value(blocked);
  });
  const auto blocked = came_back.get_future().get();
  CHECK(::sigismember(&blocked, SIGTERM) == 1);
  CHECK(::sigismember(&blocked, SIGCHLD) == 1);
  CHECK(::sigismember(&blocked, SIGSEGV) == 0);
}
