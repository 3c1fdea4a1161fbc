// SPDX-License-Identifier: Apache-2.0
#include <standpipe/client.hpp>

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

struct Pair {
  test::TemporaryFolder folder;
  std::string path = folder / "fifo";
  std::unique_ptr<Receiver> receiver = std::make_unique<Receiver>(path);
  Sender sender{path, 1s};
};

std::errc error_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const std::system_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return {};
}

std::string text(std::optional<std::string_view> message) {
  return message ? std::string(*message) : "(nothing)";
}

}  // namespace

TEST_CASE("messages of any size arrive whole and in order") {
  Pair p;
  std::vector<std::string> messages;
  for (const auto size : {0, 1, 4091, 4092, 4093, 65536, 300'000, 3})
    messages.emplace_back(static_cast<std::size_t>(size), 'x');
  std::thread sending([&] {
    for (const auto& m : messages) p.sender.send(m, 5s);
  });
  for (const auto& m : messages) CHECK(text(p.receiver->receive(5s)) == m);
  sending.join();
  CHECK(text(p.receiver->receive(0ms)) == "(nothing)");
}

TEST_CASE("large messages of several senders do not mix") {
  Pair p;
  const auto send = [&](char byte) {
    Sender sender(p.path, 1s);
    for (int i = 0; i < 20; ++i) sender.send(std::string(20'000, byte), 5s);
  };
  std::thread a([&] { send('a'); }), b([&] { send('b'); });
  int mixed = 0;
  for (int i = 0; i < 40; ++i) {
    const auto m = text(p.receiver->receive(5s));
    mixed += m.size() != 20'000 || m.find_first_not_of(m[0]) != std::string::npos;
  }
  a.join();
  b.join();
  CHECK(mixed == 0);
}

TEST_CASE("a sender waits for a reader, and connects anew to the next one") {
  test::TemporaryFolder folder;
  const auto path = folder / "fifo";
  CHECK(error_of([&] { Sender(path, 30ms); }) == std::errc::timed_out);
  auto receiver = std::make_unique<Receiver>(path);
  Sender sender(path, 1s);
  sender.send("one", 1s);
  CHECK(text(receiver->receive(1s)) == "one");
  receiver.reset();
  CHECK(error_of([&] { sender.send("nobody", 30ms); }) == std::errc::timed_out);
  std::thread next([&] {
    std::this_thread::sleep_for(30ms);
    receiver = std::make_unique<Receiver>(path);
  });
  sender.send("two", 5s);
  next.join();
  CHECK(text(receiver->receive(1s)) == "two");
}

TEST_CASE("writers may come and go, and what one of them did not finish is left out") {
  test::TemporaryFolder folder;
  const auto path = folder / "fifo";
  Receiver receiver(path);
  const auto write = [&](std::string_view bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK);
    REQUIRE(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  };
  using namespace std::string_view_literals;
  write("\5\0\0\0hello"sv);
  CHECK(text(receiver.receive(1s)) == "hello");
  write("\5\0\0\0wo"sv);
  CHECK(text(receiver.receive(10ms)) == "(nothing)");
  CHECK(receiver.truncated() == 1);
  write("\5\0\0\0world"sv);
  CHECK(text(receiver.receive(1s)) == "world");
}

TEST_CASE("a full FIFO is waited for, and nothing is sent of what finds no room") {
  Pair p;
  const std::string piece(4000, 'x');
  int sent = 0;
  while (error_of([&] { p.sender.send(piece, 0ms); }) == std::errc{}) ++sent;
  CHECK(sent == 16);
  CHECK(error_of([&] { p.sender.send(piece, 20ms); }) == std::errc::timed_out);
  for (int i = 0; i < sent; ++i) CHECK(text(p.receiver->receive(1s)) == piece);
  p.sender.send("room again", 1s);
  CHECK(text(p.receiver->receive(1s)) == "room again");
}

TEST_CASE("what is too large, or no FIFO, is said") {
  Pair p;
  p.sender.message_max(10);
  CHECK(error_of([&] { p.sender.send("12345678901"); }) == std::errc::message_size);
  Receiver small(p.folder / "small", 10);
  Sender to_small(p.folder / "small", 1s);
  to_small.send("12345678901", 1s);
  CHECK(error_of([&] { (void)small.receive(1s); }) == std::errc::message_size);
  CHECK(error_of([&] { Sender(p.folder.path(), 0ms); }) == std::errc::is_a_directory);
  CHECK(error_of([&] { Receiver(p.folder.path()); }) == std::errc::not_supported);
}
