// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <standpipe/client.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

struct Queue {
  test::TemporaryFolder folder;
  std::string path = folder / "work";
  Worker first{path};
  Sender sender{path, 1s};

  std::size_t files(const std::string& prefix = "") const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path + ".work")) {
      const auto name = entry.path().filename().string();
      count += prefix.empty() ? std::isdigit(static_cast<unsigned char>(name[0])) != 0
                              : name.starts_with(prefix);
    }
    return count;
  }
};

std::string taken(Worker& worker, std::chrono::milliseconds patience = 5s) {
  const auto work = worker.receive(patience);
  if (!work) return "(nothing)";
  return std::string(work->text) + " at attempt " + std::to_string(work->attempt);
}

std::errc error_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const std::system_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return {};
}

// A worker in a process of its own, which is killed where `work` comes back. A process with threads
// should not fork, so it is made before them.
pid_t start_worker(const std::string& path, const std::function<void(Worker&)>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    Worker worker(path);
    work(worker);
    ::kill(::getpid(), SIGKILL);
  } catch (const std::exception& e) {
    ::dprintf(STDERR_FILENO, "the worker to be killed: %s\n", e.what());
  }
  ::_exit(1);
}

void wait_killed(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

void killed_worker(const std::string& path, const std::function<void(Worker&)>& work) {
  wait_killed(start_worker(path, work));
}

}  // namespace

TEST_CASE("a worker receives, acknowledges, and leaves nothing behind") {
  Queue q;
  std::string large(300'000, 'x');
  std::thread sending([&] {
    q.sender.send("", 5s);
    q.sender.send("one", 5s);
    q.sender.send(large, 5s);
  });
  for (const auto& expected : {std::string(), std::string("one"), large}) {
    const auto work = q.first.receive(5s);
    REQUIRE(work);
    CHECK((work->text == expected && work->attempt == 1));
    CHECK(q.files() == 1);
    q.first.acknowledge();
  }
  sending.join();
  CHECK(taken(q.first, 0ms) == "(nothing)");
  CHECK(q.files() == 0);
}

TEST_CASE("a message must be acknowledged or released before the next one") {
  Queue q;
  CHECK(error_of([&] { q.first.acknowledge(); }) == std::errc::no_such_file_or_directory);
  q.sender.send("one", 1s);
  q.sender.send("two", 1s);
  CHECK(taken(q.first) == "one at attempt 1");
  CHECK(error_of([&] { (void)q.first.receive(0ms); }) == std::errc::device_or_resource_busy);
  q.first.release();
  Worker second(q.path);
  CHECK(taken(second) == "one at attempt 2");
  CHECK(taken(q.first) == "two at attempt 1");
}

TEST_CASE("what a killed worker had goes to one that runs, within a second or two", "[fork]") {
  Queue q;
  q.sender.send("one", 1s);
  killed_worker(q.path, [](Worker& w) { (void)w.receive(5s); });
  CHECK(q.files() == 1);
  CHECK(taken(q.first, 2s) == "one at attempt 2");
  q.first.acknowledge();
  CHECK(q.files() == 0);
}

TEST_CASE("what a killed worker acknowledged does not come again", "[fork]") {
  Queue q;
  q.sender.send("one", 1s);
  q.sender.send("two", 1s);
  killed_worker(q.path, [](Worker& w) {
    (void)w.receive(5s);
    w.acknowledge();
  });
  CHECK(taken(q.first) == "two at attempt 1");
}

TEST_CASE("a message that ends its workers is set aside after its attempts", "[fork]") {
  Queue q;
  q.first.attempts_max(3);
  q.sender.send("poison", 1s);
  killed_worker(q.path, [](Worker& w) { (void)w.receive(5s); });
  for (const auto* attempt : {"2", "3"}) {
    CHECK(taken(q.first) == std::string("poison at attempt ") + attempt);
    q.first.release();
  }
  CHECK(taken(q.first, 1500ms) == "(nothing)");
  CHECK((q.first.failed() == 1 && q.files("failed-") == 1 && q.files() == 0));
}

TEST_CASE("a large frame that a killed worker has moved in part is finished by another", "[fork]") {
  Queue q;
  const std::string large(1'000'000, 'x');
  const int fd = ::open(q.path.c_str(), O_WRONLY);
  std::uint8_t header[4];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(large.size()));
  REQUIRE(::write(fd, header, 4) == 4);
  REQUIRE(::write(fd, large.data(), 50'000) == 50'000);
  killed_worker(q.path, [](Worker& w) { (void)w.receive(200ms); });
  REQUIRE(q.files("next-") == 1);
  std::thread rest([&] {
    std::size_t written = 50'000;
    while (written < large.size()) {
      const auto n = ::write(fd, large.data() + written, large.size() - written);
      if (n > 0) written += static_cast<std::size_t>(n);
    }
  });
  const auto work = q.first.receive(5s);
  rest.join();
  ::close(fd);
  REQUIRE(work);
  CHECK(work->text == large);
}

TEST_CASE("a large frame that is sent again from its beginning after all readers died is whole",
          "[fork]") {
  test::TemporaryFolder folder;
  const auto path = folder / "work";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::string frame(4, '\0'), large;
  for (int i = 0; i < 50'000; ++i) large += std::to_string(i);
  standpipe_wire_put_length(reinterpret_cast<std::uint8_t*>(frame.data()),
                            static_cast<std::uint32_t>(large.size()));
  frame += large;
  const int fd = ::open(path.c_str(), O_RDWR | O_NONBLOCK);  // a writer that needs no reader
  REQUIRE(::write(fd, frame.data(), frame.size()) == 65536);
  killed_worker(path, [](Worker& w) { (void)w.receive(200ms); });
  Worker next(path);
  std::thread again([&] {
    for (std::size_t written = 0; written < frame.size();) {
      const auto n = ::write(fd, frame.data() + written, frame.size() - written);
      if (n > 0) written += static_cast<std::size_t>(n);
      if (n < 0) std::this_thread::sleep_for(1ms);
    }
  });
  const auto work = next.receive(5s);
  again.join();
  ::close(fd);
  REQUIRE(work);
  CHECK(work->text == large);
}

TEST_CASE("equal messages after a killed worker are not taken for one that comes again", "[fork]") {
  Queue q;
  for (int i = 0; i < 3; ++i) q.sender.send("same", 1s);
  killed_worker(q.path, [](Worker& w) { (void)w.receive(5s); });
  std::vector<std::string> all;
  Worker next(q.path);
  for (int i = 0; i < 3; ++i) {
    all.push_back(taken(next));
    next.acknowledge();
  }
  std::sort(all.begin(), all.end());
  CHECK(all ==
        std::vector<std::string>{"same at attempt 1", "same at attempt 1", "same at attempt 2"});
  CHECK(taken(next, 0ms) == "(nothing)");
}

TEST_CASE("what a writer did not finish is left out, for workers too") {
  using namespace std::string_view_literals;
  test::TemporaryFolder folder;
  const auto path = folder / "work";
  Worker worker(path);
  const auto write = [&](std::string_view bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK);
    REQUIRE(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  };
  write("\5\0\0\0wo"sv);
  CHECK(taken(worker, 200ms) == "(nothing)");
  CHECK(worker.truncated() == 1);
  write("\5\0\0\0world"sv);
  CHECK(taken(worker) == "world at attempt 1");
}

TEST_CASE("several workers get each message once, whoever is killed meanwhile", "[fork]") {
  Queue q;
  constexpr int kMessages = 600;
  std::vector<pid_t> killed;
  for (int i = 0; i < 10; ++i)
    killed.push_back(start_worker(q.path, [i](Worker& w) {
      w.attempts_max(0);
      std::this_thread::sleep_for(i * 40ms);
      for (int n = 0; n < i; ++n)
        if (w.receive(100ms)) w.release();
      (void)w.receive(1s);
    }));
  std::thread sending([&] {
    for (int i = 0; i < kMessages; ++i)
      q.sender.send(std::to_string(i) + std::string(static_cast<std::size_t>(i % 7) * 3000, ' '),
                    30s);
  });
  std::multiset<int> done;
  std::mutex mutex;
  const auto work = [&] {
    Worker worker(q.path);
    worker.attempts_max(0);
    while (const auto one = worker.receive(3s)) {
      const std::lock_guard lock(mutex);
      done.insert(std::stoi(std::string(one->text)));
      worker.acknowledge();
    }
  };
  std::thread one(work), other(work);
  for (const auto child : killed) wait_killed(child);
  for (auto* thread : {&sending, &one, &other}) thread->join();
  CHECK(done.size() == kMessages);
  CHECK(std::set<int>(done.begin(), done.end()).size() == kMessages);
}

TEST_CASE("a FIFO that was removed is made again, and one that took its place is read") {
  Queue q;
  Receiver receiver(q.folder / "plain");
  Sender to_receiver(q.folder / "plain", 1s);
  for (const auto& path : {q.path, q.folder / "plain"}) std::filesystem::remove(path);
  std::thread sending([&] {
    std::this_thread::sleep_for(1500ms);  // so long a sender may write into the old one
    q.sender.send("to the new one", 10s);
    to_receiver.send("to that one, too", 10s);
  });
  CHECK(taken(q.first, 10s) == "to the new one at attempt 1");
  const auto message = receiver.receive(10s);
  sending.join();
  CHECK((message && *message == "to that one, too"));
}

TEST_CASE("a worker refuses what others could have put beside the FIFO") {
  test::TemporaryFolder folder;
  const auto path = folder / "work";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::filesystem::create_directory(path + ".work");
  ::chmod((path + ".work").c_str(), 0777);
  CHECK(error_of([&] { Worker w(path); }) == std::errc::operation_not_permitted);
  std::filesystem::remove(path + ".work");
  std::filesystem::create_directory(path + ".locked");
  std::filesystem::create_symlink(path + ".locked", path + ".work");
  CHECK(error_of([&] { Worker w(path); }) == std::errc::not_a_directory);
  std::filesystem::remove(path + ".work");
  std::filesystem::remove(path + ".lock");
  std::filesystem::create_directory(path + ".lock");
  CHECK(error_of([&] { Worker w(path); }) == std::errc::not_supported);
}

TEST_CASE("a frame that is too large for a worker stays where it is") {
  test::TemporaryFolder folder;
  const auto path = folder / "work";
  Worker small(path, 10), large(path);
  Sender(path, 1s).send("12345678901", 1s);
  CHECK(error_of([&] { (void)small.receive(1s); }) == std::errc::message_size);
  CHECK(taken(large) == "12345678901 at attempt 1");
}
